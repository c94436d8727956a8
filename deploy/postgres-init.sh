#!/bin/bash
# Creates the service's database, role and schema. The role owns its schema and has no other privileges in the database.
psql --username="${POSTGRES_USER:-postgres}" --set=ON_ERROR_STOP=1 --set=password="$REGISTRY_DB_PASSWORD" <<'SQL'
create role registry login password :'password';
create database registry;
revoke all on database registry from public;
grant connect on database registry to registry;
\connect registry
revoke all on schema public from public;
create schema instrument_registry authorization registry;
SQL
