CREATE TABLE user (
	id CHAR(36) NOT NULL, 
	email VARCHAR(320) NOT NULL, 
	hashed_password VARCHAR(1024) NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	is_superuser BOOLEAN NOT NULL, 
	is_verified BOOLEAN NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "user" VALUES ('6ae15987-8098-49ef-a108-b9422a10e50e', 'ann@example.com', '$argon2id$v=19$m=65536,t=3,p=4$R70BG55wxxOptmu6FS4AsA$uI4GtXfsOrjB+dyymLuIBxumqM7NAE0ACVwhv/kefEQ', 1, 0, 0);
INSERT INTO "user" VALUES ('cc5497aa-5ea4-4f31-8b61-3bdfbe975b4b', 'bob@example.com', '$argon2id$v=19$m=65536,t=3,p=4$q97L8f2WGVF+sMGxEXLlVA$RiTjwnHzqFd2wXFesE823nzZL1d9TdLg4SYtY1TEfys', 1, 0, 0);
INSERT INTO "user" VALUES ('26637c6b-3dec-4716-8e35-88d0b257fb83', 'carl@example.com', '$argon2id$v=19$m=65536,t=3,p=4$v4UumW5ECwP3jCvMDcFenA$E1ED6FJA5i5JEGTAMptXLJt9v+f9In5JqulLXu9FXtw', 1, 0, 0);
INSERT INTO "user" VALUES ('4bf41b92-3a85-42d0-87ef-6b40dc7d786a', 'dora@example.com', '$argon2id$v=19$m=65536,t=3,p=4$nlyvgVdzDIXhh/sIkfPxpw$p6PN43BV4SAA652y/g5sPLIXWd4v3//adzHiy1bocvU', 1, 0, 0);
