CREATE TABLE user (
	id CHAR(36) NOT NULL, 
	email VARCHAR(320) NOT NULL, 
	hashed_password VARCHAR(1024) NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	is_superuser BOOLEAN NOT NULL, 
	is_verified BOOLEAN NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "user" VALUES ('3e56bc3a-29cf-4f3d-8536-849a4a7c2ab2', 'ann@example.com', '$argon2id$v=19$m=65536,t=3,p=4$F0UsB82SsVv+c3k3LoPXVg$vo7D9WENujqqWHokWDx96X6sdGz9kIEnWe+nNDCby0o', 1, 0, 1);
INSERT INTO "user" VALUES ('e44d05de-8cd0-4cbe-ab6a-0f310662b90c', 'bob@example.com', '$argon2id$v=19$m=65536,t=3,p=4$LGuTJ9JTbFn9RoQGz40HdQ$T9xUgvrHYGZIz3u4aRkpGL/3axhU8Q+YN5TmxDsxJxc', 1, 0, 0);
INSERT INTO "user" VALUES ('e3c06cb5-269a-4082-a8b7-aadbb9936623', 'carl@example.com', '$argon2id$v=19$m=65536,t=3,p=4$BuPM0SRoWEqzIK8bAZBoeg$uRVZAViAms9p7DteIRUssZyoHs6rrvw/oYfhEfebPZ0', 1, 0, 0);
INSERT INTO "user" VALUES ('b0488cb6-4108-451f-83c4-5049aac62bd0', 'dora@example.com', '$argon2id$v=19$m=65536,t=3,p=4$XEktMEciYWPvqIQSZk4KXw$rOxjIrJuWsY9sJv9ypXqMac4twghljlKPPPc2tpBT10', 1, 0, 0);
