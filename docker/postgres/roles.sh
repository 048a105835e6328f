#!/bin/sh
# Run by the image once, when it makes the cluster: the role that Tablekeep uses owns its database and is no superuser,
# so it can neither run programs nor read files on the server. The superuser has no password, and so can only be reached
# from inside of this container: docker compose exec postgres psql -U postgres
set -e
psql -v ON_ERROR_STOP=1 -v password="$TABLEKEEP_PASSWORD" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE tablekeep LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION PASSWORD :'password';
CREATE ROLE tablekeep_reader LOGIN NOINHERIT NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION PASSWORD :'password';
CREATE DATABASE tablekeep OWNER tablekeep;
REVOKE ALL ON DATABASE tablekeep FROM PUBLIC;
ALTER ROLE CURRENT_USER PASSWORD NULL;
SQL
