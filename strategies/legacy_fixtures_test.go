package strategies_test

// Rows as the other systems write them. Those of AdonisJS were written by its own packages,
// @adonisjs/auth 8.2.3 (on a server in New York) and 9.2.4, into SQLite and Postgres, whose
// text is shown as its server in Kolkata printed it; those of the others were computed apart
// from what is tested, as their sources say.

// A legacyTable is a table of another system.
type legacyTable struct{ create, insert string }

// legacyTables are by the system and the database.
var legacyTables = map[string]map[string]legacyTable{
	"adonis": {
		"SQLite": {
			"CREATE TABLE `api_tokens` (`id` integer not null primary key autoincrement, `user_id` integer, `name` varchar(255) not null, `type` varchar(255) not null, " +
				"`token` varchar(64) not null, `expires_at` datetime null, `created_at` datetime not null)",
			`INSERT INTO api_tokens (id, user_id, name, type, token, expires_at, created_at) VALUES
			(1, 7, 'Opaque Access Token', 'opaque_token', 'c9d5483ddcaf956abfefed50e57bfe6e2494f38657702782c6aac5f651576f1a', NULL, '2026-11-22 03:17:24'),
			(2, 7, 'Palantír of Orthanc', 'opaque_token', '0c6504215a9c62cffbfde4e39c34ba66adde9afc4eb54c233ec82860eeacc51a', '2026-12-22 03:17:24', '2026-11-22 03:17:24'),
			(3, 7, 'phone', 'api', 'db319e36be847f8abb38f8288b07792ec13e047b4a1fb415744177ac2b62b721', '2026-11-22 04:17:24', '2026-11-22 03:17:24')`,
		},
		"Postgres": {
			`CREATE TABLE api_tokens (id serial PRIMARY KEY, user_id integer, name varchar(255) NOT NULL, type varchar(255) NOT NULL,
			token varchar(64) NOT NULL UNIQUE, expires_at timestamptz, created_at timestamptz NOT NULL)`,
			`INSERT INTO api_tokens (id, user_id, name, type, token, expires_at, created_at) VALUES
			(1, 7, 'Opaque Access Token', 'opaque_token', '8a030433c573bbb287b57ecf4b0f3c37d9c70dbd1dd6afa6778edc349afb3a3f', NULL, '2026-11-22 13:47:24.387+05:30'),
			(2, 7, 'Palantír of Orthanc', 'opaque_token', 'caf4059a9ee53799316ad21b5bfc7f8f0bd1453d6e24faa7edac1dd1c096d95c', '2026-12-22 13:47:24.392+05:30', '2026-11-22 13:47:24.392+05:30'),
			(3, 7, 'phone', 'api', 'cab28f1d70b59376344c4345118d8e54ec425899bd1b9106530817d9f796ecef', '2026-11-22 14:47:24.394+05:30', '2026-11-22 13:47:24.395+05:30')`,
		},
	},
	"adonis access": {
		"SQLite": {
			"CREATE TABLE `auth_access_tokens` (`id` integer not null primary key autoincrement, `tokenable_id` integer not null, `type` varchar(255) not null, " +
				"`name` varchar(255) null, `hash` varchar(255) not null, `abilities` text not null, `created_at` datetime, `updated_at` datetime, " +
				"`last_used_at` datetime null, `expires_at` datetime null)",
			`INSERT INTO auth_access_tokens (id, tokenable_id, type, name, hash, abilities, created_at, expires_at) VALUES
			(1, 7, 'auth_token', NULL, '6874575e25f8a5961b5abcdf6f6776971609e5465222abb99931131992010dcd', '["*"]', 1795335470012, NULL),
			(2, 7, 'auth_token', 'Palantír of Orthanc', 'ba75ca5ddb2a5c88bdb11f197b710b02e005b78be76668237ba63bdb656157e7', '["rings:read","edit posts"]', 1795335470018, 1797927470018),
			(3, 7, 'app', 'app', '0e40dd3b7281fa1afdf449ae4f2f004f0fae47e1da68d397ce347944042749cd', '[]', 1795335470022, 1795339070022)`,
		},
		"Postgres": {
			`CREATE TABLE auth_access_tokens (id serial PRIMARY KEY, tokenable_id integer NOT NULL, type varchar(255) NOT NULL, name varchar(255),
			hash varchar(255) NOT NULL, abilities text NOT NULL, created_at timestamptz, updated_at timestamptz, last_used_at timestamptz, expires_at timestamptz)`,
			`INSERT INTO auth_access_tokens (id, tokenable_id, type, name, hash, abilities, created_at, expires_at) VALUES
			(1, 7, 'auth_token', NULL, 'b3f5cd4c455845c81a4ec51a556282cd3d02fdb98136de9ea02f4a6e9322bfc1', '["*"]', '2026-11-22 13:47:50.613+05:30', NULL),
			(2, 7, 'auth_token', 'Palantír of Orthanc', 'f686de8c5dfbdc51885d436a8a30e9dfbddc6d0cf985614bd0198476115fa0d5', '["rings:read","edit posts"]', '2026-11-22 13:47:50.646+05:30', '2026-12-22 13:47:50.645+05:30'),
			(3, 7, 'app', 'app', 'e3d85b8360d344270ba92bdf81868efe4190b2f4717450111cf08c8aaa444e13', '[]', '2026-11-22 13:47:50.652+05:30', '2026-11-22 14:47:50.652+05:30')`,
		},
	},
	"sanctum": {
		"SQLite": {
			`CREATE TABLE "personal_access_tokens" ("id" integer primary key autoincrement not null, "tokenable_type" varchar not null, "tokenable_id" integer not null,
			"name" varchar not null, "token" varchar not null, "abilities" text, "last_used_at" datetime, "expires_at" datetime, "created_at" datetime, "updated_at" datetime)`,
			sanctumRows,
		},
		"Postgres": {
			`CREATE TABLE personal_access_tokens (id bigserial PRIMARY KEY, tokenable_type varchar(255) NOT NULL, tokenable_id bigint NOT NULL, name varchar(255) NOT NULL,
			token varchar(64) NOT NULL UNIQUE, abilities text, last_used_at timestamp(0), expires_at timestamp(0), created_at timestamp(0), updated_at timestamp(0))`,
			sanctumRows,
		},
	},
	"api_guard": {
		"SQLite": {
			`CREATE TABLE "refresh_tokens" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "token" varchar, "user_id" integer, "admin_id" integer,
			"created_at" datetime NOT NULL, "updated_at" datetime NOT NULL, "expire_at" datetime)`,
			apiGuardRows,
		},
		"Postgres": {
			`CREATE TABLE refresh_tokens (id bigserial PRIMARY KEY, token varchar UNIQUE, user_id bigint, admin_id bigint,
			created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL, expire_at timestamp(6))`,
			apiGuardRows,
		},
	},
}

// The application's time zone is UTC+2. The secrets have a checksum, a checksum that begins
// with 0, a prefix, neither, and 80 characters.
const sanctumRows = `INSERT INTO personal_access_tokens (id, tokenable_type, tokenable_id, name, token, abilities, expires_at, created_at) VALUES
	(1, 'App\Models\User', 7, 'Palantír of Orthanc', '2fee08b7235994d7269af9432d8817a3345f7e0bfb72100c5580c8be34ceaff6', '["rings:read","rings:write"]', '2026-12-22 10:17:24', '2026-11-22 10:17:24'),
	(2, 'App\Models\User', 7, 'zero', 'b3c1c0a6b95ff1d6921e8368746f7ec8ce92a120d3abbffc8a209da5ff98170a', '{"0":"rings:read","2":"posts:read"}', NULL, '2026-11-22 10:17:24'),
	(3, 'App\Models\User', 7, 'prefixed', 'a00533c8faba5b0a2a7a069e2a4ef9820a140f2e43a24d2b8032c20acd83259f', '["*"]', NULL, '2026-11-22 10:17:24'),
	(4, 'App\Models\User', 7, 'old', 'fbaa7df7b67950b567f460c39ab6dff6316eac88550959a27b40288721ab2f38', NULL, NULL, '2026-11-22 10:17:24'),
	(5, 'App\Models\Admin', 7, 'admin', '3fbb153fc6bb549977fffd2e9d16eb7f36d305975f58ec381944013bf5804639', '["*"]', NULL, '2026-11-22 10:17:24'),
	(6, 'App\Models\User', 7, 'first', '118ed9c7947517a5644f5d801648eea7aeee14e6ecc1365338f9e99885a38eef', '["*"]', NULL, '2026-11-22 10:17:24')`

const apiGuardRows = `INSERT INTO refresh_tokens (id, token, user_id, admin_id, expire_at, created_at, updated_at) VALUES
	(1, 'jZQK0jzIV2LeNR86bYCcEA', 7, NULL, NULL, '2026-11-22 08:17:24.303123', '2026-11-22 08:17:24.303123'),
	(2, 'OmI4RJgkBizSulmDVCL7EA', 7, NULL, '2026-12-06 08:17:24.303123', '2026-11-22 08:17:24.303123', '2026-11-22 08:17:24.303123'),
	(3, 'RoOiCM-Drclw1sa7ssp6SA', NULL, 7, '2026-12-06 08:17:24.303123', '2026-11-22 08:17:24.303123', '2026-11-22 08:17:24.303123')`
