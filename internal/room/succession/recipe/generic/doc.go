// Package generic is the recipe of any program whose data is folders, files and databases: it copies
// them and counts them, and runs the commands that stop the program, start it and try it. It is the
// smallest recipe: a new one is begun as a copy of it.
//
// What moves: folders and single files (settings too) by tar, with all contents equal; PostgreSQL by
// pg_dump into one transaction, with the number and a hash of the rows of each table; SQLite by its
// own backup command, with a hash of all tables; MariaDB by mysqldump, with the number of rows of each
// table. Roles and rights of a database server are not moved.
//
// From a snapshot: folders, files and SQLite files as they lie there; PostgreSQL from a dump in plain
// SQL, whose rows are counted in its text and have no hash. A dump of MariaDB is refused: its rows
// cannot be counted by lines.
//
// Sources: pg_dump(1), https://www.sqlite.org/cli.html, mariadb-dump(1) of Debian 12.
package generic
