//! The tables and columns of each program.

use super::{HashForm, Preset};
use crate::domain::import::Field;
use crate::domain::password::Wrapping;

use Field::{
    CreatedAt, CredentialData, Email, EmailVerified, FullName, Hash, Id, IsActive, IsSuperuser, LastLogin, Salt,
    SecretData,
};

const PLAIN: Preset = Preset {
    name: "",
    title: "",
    tables: &["users", "user"],
    columns: &[],
    bare: Some(Wrapping::Plain),
    hash: HashForm::Text,
    id_prefix: "",
};

/// All there are.
pub static PRESETS: [Preset; 17] = [
    Preset {
        name: "generic",
        title: "a table or file with the usual names",
        columns: &[
            (Id, "id"),
            (Email, "email|email_address|mail"),
            (EmailVerified, "email_verified_at|email_confirmed_at|email_verified|email_confirmed"),
            (FullName, "full_name|name|display_name|first_name+last_name"),
            (Hash, "password_hash|hashed_password|encrypted_password|hash|password"),
            (IsActive, "is_active|active|enabled"),
            (IsSuperuser, "is_superuser|is_admin|admin"),
            (CreatedAt, "created_at|created"),
            (LastLogin, "last_login|last_login_at"),
        ],
        ..PLAIN
    },
    Preset {
        name: "fastapi",
        title: "FastAPI's templates and tutorials (SQLAlchemy or SQLModel, passlib)",
        columns: &[
            (Id, "id"),
            (Email, "email"),
            (EmailVerified, "email_verified_at|email_verified|is_email_verified"),
            (FullName, "full_name|name|first_name+last_name"),
            (Hash, "hashed_password|password_hash|password"),
            (IsActive, "is_active"),
            (IsSuperuser, "is_superuser"),
            (CreatedAt, "created_at"),
            (LastLogin, "last_login|last_login_at"),
        ],
        ..PLAIN
    },
    Preset {
        name: "fastapi-users",
        title: "fastapi-users",
        tables: &["user", "users"],
        columns: &[
            (Id, "id"),
            (Email, "email"),
            (EmailVerified, "is_verified"),
            (FullName, "full_name|name|first_name+last_name"),
            (Hash, "hashed_password"),
            (IsActive, "is_active"),
            (IsSuperuser, "is_superuser"),
            (CreatedAt, "created_at"),
            (LastLogin, "last_login|last_login_at"),
        ],
        ..PLAIN
    },
    Preset {
        name: "django",
        title: "Django (django.contrib.auth)",
        tables: &["auth_user"],
        columns: &[
            (Id, "id"),
            (Email, "email"),
            (FullName, "first_name+last_name"),
            (Hash, "password"),
            (IsActive, "is_active"),
            (IsSuperuser, "is_superuser"),
            (CreatedAt, "date_joined"),
            (LastLogin, "last_login"),
        ],
        ..PLAIN
    },
    Preset {
        name: "flask",
        title: "Flask (Werkzeug, or Flask-Bcrypt)",
        columns: &[
            (Id, "id"),
            (Email, "email"),
            (EmailVerified, "email_confirmed_at|email_verified_at|confirmed_at"),
            (FullName, "full_name|name|first_name+last_name"),
            (Hash, "password_hash|hashed_password|password"),
            (IsActive, "is_active|active"),
            (CreatedAt, "created_at"),
            (LastLogin, "last_login|last_login_at"),
        ],
        bare: None,
        ..PLAIN
    },
    Preset {
        name: "laravel",
        title: "Laravel",
        tables: &["users"],
        columns: &[
            (Id, "id"),
            (Email, "email"),
            (EmailVerified, "email_verified_at"),
            (FullName, "name"),
            (Hash, "password"),
            (IsActive, "!deleted_at"),
            (CreatedAt, "created_at"),
        ],
        ..PLAIN
    },
    Preset {
        name: "symfony",
        title: "Symfony (Doctrine)",
        tables: &["user", "users"],
        columns: &[
            (Id, "id"),
            (Email, "email"),
            (EmailVerified, "is_verified"),
            (FullName, "full_name|name"),
            (Hash, "password"),
        ],
        ..PLAIN
    },
    Preset {
        name: "devise",
        title: "Rails with Devise",
        tables: &["users"],
        columns: &[
            (Id, "id"),
            (Email, "email"),
            (EmailVerified, "confirmed_at"),
            (FullName, "full_name|name|first_name+last_name"),
            (Hash, "encrypted_password"),
            (IsSuperuser, "admin"),
            (CreatedAt, "created_at"),
            (LastLogin, "current_sign_in_at|last_sign_in_at"),
        ],
        bare: None,
        ..PLAIN
    },
    Preset {
        name: "wordpress",
        title: "WordPress, 6.8 on",
        tables: &["wp_users"],
        columns: &[
            (Id, "ID"),
            (Email, "user_email"),
            (FullName, "display_name"),
            (Hash, "user_pass"),
            (CreatedAt, "user_registered"),
        ],
        ..PLAIN
    },
    Preset {
        name: "phpbb",
        title: "phpBB",
        // Without bots; type 1 is disabled.
        tables: &["(SELECT *, user_type <> 1 AS may_log_in FROM phpbb_users WHERE user_type <> 2)"],
        columns: &[
            (Id, "user_id"),
            (Email, "user_email"),
            (FullName, "username"),
            (Hash, "user_password"),
            (IsActive, "may_log_in"),
            (CreatedAt, "user_regdate"),
            (LastLogin, "user_lastvisit"),
        ],
        bare: Some(Wrapping::Phpbb),
        ..PLAIN
    },
    Preset {
        name: "better-auth",
        title: "better-auth",
        tables: &["(SELECT u.*, a.\"password\" AS \"hash\" FROM \"user\" u LEFT JOIN \"account\" a \
                    ON a.\"userId\" = u.\"id\" AND a.\"providerId\" = 'credential')"],
        columns: &[
            (Id, "id"),
            (Email, "email"),
            (EmailVerified, "emailVerified"),
            (FullName, "name"),
            (Hash, "hash"),
            (IsActive, "!banned"),
            (CreatedAt, "createdAt"),
        ],
        ..PLAIN
    },
    Preset {
        name: "supabase",
        title: "Supabase (GoTrue)",
        tables: &[
            "(SELECT u.*, NOT (coalesce(u.banned_until > now(), false) OR u.deleted_at IS NOT NULL) AS may_log_in \
                    FROM auth.users u WHERE u.email IS NOT NULL)",
        ],
        columns: &[
            (Id, "id"),
            (Email, "email"),
            (EmailVerified, "email_confirmed_at"),
            (FullName, "raw_user_meta_data.full_name|raw_user_meta_data.name"),
            (Hash, "encrypted_password"),
            (IsActive, "may_log_in"),
            (CreatedAt, "created_at"),
            (LastLogin, "last_sign_in_at"),
        ],
        ..PLAIN
    },
    Preset {
        name: "auth0",
        title: "Auth0 (the export with password hashes that its support makes)",
        columns: &[
            (Id, "user_id|_id"),
            (Email, "email"),
            (EmailVerified, "email_verified"),
            (FullName, "name"),
            (Hash, "passwordHash|password_hash"),
            (IsActive, "!blocked"),
            (CreatedAt, "created_at|createdAt"),
            (LastLogin, "last_login"),
        ],
        id_prefix: "auth0|",
        ..PLAIN
    },
    Preset {
        name: "firebase",
        title: "Firebase (`firebase auth:export users.json`)",
        columns: &[
            (Id, "localId"),
            (Email, "email"),
            (EmailVerified, "emailVerified"),
            (FullName, "displayName"),
            (Hash, "passwordHash"),
            (Salt, "salt"),
            (IsActive, "!disabled"),
            (CreatedAt, "createdAt"),
            (LastLogin, "lastSignedInAt"),
        ],
        hash: HashForm::Firebase,
        ..PLAIN
    },
    Preset {
        name: "keycloak",
        title: "Keycloak (its database, or a realm's export)",
        tables: &["(SELECT u.*, c.credential_data, c.secret_data FROM user_entity u LEFT JOIN credential c \
                    ON c.user_id = u.id AND c.type = 'password' WHERE u.service_account_client_link IS NULL)"],
        columns: &[
            (Id, "id"),
            (Email, "email"),
            (EmailVerified, "email_verified|emailVerified"),
            (FullName, "first_name+last_name|firstName+lastName"),
            (CredentialData, "credential_data|credentials.0.credentialData"),
            (SecretData, "secret_data|credentials.0.secretData"),
            (IsActive, "enabled"),
            (CreatedAt, "created_timestamp|createdTimestamp"),
        ],
        hash: HashForm::Keycloak,
        ..PLAIN
    },
    Preset {
        name: "pocketbase",
        title: "PocketBase",
        tables: &["users"],
        columns: &[
            (Id, "id"),
            (Email, "email"),
            (EmailVerified, "verified"),
            (FullName, "name"),
            (Hash, "password|passwordHash"),
            (CreatedAt, "created"),
        ],
        ..PLAIN
    },
    Preset {
        name: "nextcloud",
        title: "Nextcloud",
        tables: &[
            "(SELECT u.uid, u.displayname, u.password, p.configvalue AS email FROM oc_users u LEFT JOIN oc_preferences p \
                    ON p.userid = u.uid AND p.appid = 'settings' AND p.configkey = 'email')",
        ],
        columns: &[(Id, "uid"), (Email, "email"), (FullName, "displayname"), (Hash, "password")],
        ..PLAIN
    },
];
