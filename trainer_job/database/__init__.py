"""PostgreSQL: connections, tables, migrations and the records of runs."""
