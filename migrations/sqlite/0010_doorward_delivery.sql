-- How the tokens of a session come to its client (domain::session::Delivery). Rows of the version before say nothing: by cookies. It can't
-- refresh those whose tokens come in bodies, because their secret is stored sealed.

ALTER TABLE sessions ADD COLUMN token_delivery TEXT CHECK (token_delivery IN ('cookies', 'body'));
