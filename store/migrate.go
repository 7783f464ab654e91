package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// The migrations, 0001_name.sql and so on without gaps: statements that each end in a
// semicolon at the end of a line. A released one is never changed. Each must be safe to
// run twice, because not every database rolls back its half of a transaction that
// created tables.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrate brings the tables up to date. Two machines may do so at once: the one that is
// second to reach a number waits for the first, loses, and finds it done.
func migrate(ctx context.Context, db *database) error {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return err
	}
	err = db.transact(ctx, false, func(t *transaction) error {
		_, err := t.exec("CREATE TABLE IF NOT EXISTS migrations (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)")
		return err
	})
	if err != nil {
		return err
	}
	for i, name := range names {
		number := i + 1
		err := db.transact(ctx, false, func(t *transaction) error {
			return migrateOne(t, number, name)
		})
		if err != nil {
			return fmt.Errorf("migration %s: %w", name, err)
		}
	}
	return db.transact(ctx, true, func(t *transaction) error {
		var newest int
		if err := t.row("SELECT MAX(number) FROM migrations", nil, &newest); err != nil {
			return err
		}
		if newest > len(names) {
			return failf(ErrSchema, "the store was written by a newer farmproxy (schema %d; this one knows %d): run that version, or restore an older backup", newest, len(names))
		}
		return nil
	})
}

func migrateOne(t *transaction, number int, name string) error {
	var done string
	err := t.row("SELECT name FROM migrations WHERE number = ?", []any{number}, &done)
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	text, err := migrationFiles.ReadFile(name)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(name, "migrations/"+fmt.Sprintf("%04d", number)+"_") {
		return errors.New("not number " + strconv.Itoa(number) + ": the files must be numbered without gaps")
	}
	if _, err := t.exec("INSERT INTO migrations (number, name) VALUES (?, ?)", number, name); err != nil {
		return err
	}
	for _, statement := range statements(string(text)) {
		if _, err := t.exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// statements splits a migration: PostgreSQL takes one statement at a time.
func statements(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ";\n") {
		var lines []string
		for line := range strings.Lines(part) {
			if !strings.HasPrefix(strings.TrimSpace(line), "--") {
				lines = append(lines, line)
			}
		}
		if statement := strings.TrimSpace(strings.Join(lines, "")); statement != "" {
			all = append(all, statement)
		}
	}
	return all
}
