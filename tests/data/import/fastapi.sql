CREATE TABLE users (
	id INTEGER NOT NULL, 
	email VARCHAR NOT NULL, 
	full_name VARCHAR, 
	hashed_password VARCHAR NOT NULL, 
	is_active BOOLEAN, 
	is_superuser BOOLEAN, 
	created_at DATETIME, 
	last_login DATETIME, 
	PRIMARY KEY (id)
);
INSERT INTO "users" VALUES (1, 'ann@example.com', 'Ann', '$2b$05$tOdi6UE9nshG9/i5ntLC.ebLpEwhTmTCgWiY8qxrm0u2yDQ7Q7Zyy', 1, 1, '2026-11-29 23:15:39.656127', '2025-05-06 07:08:09.000000');
INSERT INTO "users" VALUES (2, 'bob@example.com', 'Bob', '$2b$05$4fRXksYNGs7lM244Zq7k/e2LkBnjCA7m.BViBe.iCE3hIIYTakNKG', 1, 0, '2026-11-29 23:15:39.656132', '2025-05-06 07:08:09.000000');
INSERT INTO "users" VALUES (3, 'carl@example.com', 'Carl', '$2b$05$V.L/Y8taIdcdm5b7JvQ4nu3gflLXIyFxz2XtDwO14fePGx98WQUZC', 1, 0, '2026-11-29 23:15:39.656133', '2025-05-06 07:08:09.000000');
INSERT INTO "users" VALUES (4, 'dora@example.com', 'Dora', '$2b$05$CNllhCKAlk7tFpgjKQ0Lk.Y5kkz2KbmqRTfyExRVnwGDUch0g9X7q', 1, 0, '2026-11-29 23:15:39.656134', '2025-05-06 07:08:09.000000');
