#!/bin/sh
# PostgreSQL's image runs this once, on an empty volume. Temporal and Tidemark each get a role and databases that the
# other cannot read.
# psql reads the passwords itself, because a command line is visible to others.
set -eu
psql --set=ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set temporal_password `cat "$TEMPORAL_DATABASE_PASSWORD_FILE"`
\set tidemark_password `cat "$TIDEMARK_DATABASE_PASSWORD_FILE"`
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE ROLE tidemark LOGIN PASSWORD :'tidemark_password';
CREATE DATABASE tidemark OWNER tidemark;
REVOKE CONNECT ON DATABASE temporal, temporal_visibility, tidemark FROM PUBLIC;
SQL
