package store

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The shipped lists, with the source of each line.
//
//go:embed data/algorithms.csv
var algorithmsCSV []byte

//go:embed data/pools.csv
var poolsCSV []byte

// shippedLists are the initial content of a new store.
type shippedLists struct {
	algorithms []Algorithm
	aliases    map[string]string // of algorithms, in lower case
	pools      []Pool
}

// shipped returns the lists. They are part of the program: a mistake in them is a bug,
// and its tests find it.
var shipped = sync.OnceValue(func() *shippedLists {
	l, err := parseShipped(algorithmsCSV, poolsCSV)
	if err != nil {
		panic(err)
	}
	return l
})

// ShippedAlgorithm returns an algorithm of the shipped list, by its name or an alias,
// or false if it is not in the list. It needs no store.
func ShippedAlgorithm(name string) (Algorithm, bool) {
	name = AlgorithmName(name)
	for _, a := range shipped().algorithms {
		if a.Name == name {
			return a, true
		}
	}
	return Algorithm{}, false
}

// ShippedNames returns the names of the shipped algorithms, including aliases.
func ShippedNames() (names []string) {
	for _, a := range shipped().algorithms {
		names = append(names, a.Name)
	}
	for alias := range shipped().aliases {
		names = append(names, alias)
	}
	slices.Sort(names)
	return names
}

func parseShipped(algorithms, pools []byte) (*shippedLists, error) {
	l := &shippedLists{aliases: make(map[string]string)}
	lines, err := readCSV(algorithms, "name,divider,aliases,source")
	if err != nil {
		return nil, fmt.Errorf("algorithms.csv: %w", err)
	}
	for _, line := range lines {
		divider, err := strconv.ParseFloat(line[1], 64)
		if err != nil {
			return nil, fmt.Errorf("algorithms.csv: %s: %w", line[0], err)
		}
		l.algorithms = append(l.algorithms, Algorithm{line[0], divider})
		for alias := range strings.FieldsSeq(line[2]) {
			l.aliases[alias] = line[0]
		}
	}
	if lines, err = readCSV(pools, "pool,algorithm,options,source"); err != nil {
		return nil, fmt.Errorf("pools.csv: %w", err)
	}
	for _, line := range lines {
		p := Pool{Address: line[0], Algorithm: line[1], Options: PoolOptions{TLS: line[2] == "tls"}}
		if line[2] != "" && line[2] != "tls" {
			return nil, fmt.Errorf("pools.csv: %s: option %q", line[0], line[2])
		}
		l.pools = append(l.pools, p)
	}
	return l, nil
}

// readCSV returns the lines after the header, which must be the given one.
func readCSV(text []byte, header string) ([][]string, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comment = '#'
	lines, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 || strings.Join(lines[0], ",") != header {
		return nil, fmt.Errorf("expected the header %s", header)
	}
	return lines[1:], nil
}

// seed fills a store that was never seeded; existing entries stay.
func (s *Store) seed(ctx context.Context) error {
	text := func(value string) (string, error) { return value, nil }
	return s.db.transact(ctx, false, func(t *transaction) error {
		if done, err := meta(t, "seeded", text); err != nil || done != "" {
			return err
		}
		version, err := raise(t)
		if err != nil {
			return err
		}
		// Another machine may have done it while this one waited for its turn.
		if done, err := meta(t, "seeded", text); err != nil || done != "" {
			return err
		}
		for _, a := range shipped().algorithms {
			_, err := t.exec("INSERT INTO algorithms (name, divider, version) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING", a.Name, a.Divider, version)
			if err != nil {
				return err
			}
		}
		for _, p := range shipped().pools {
			if _, err := pool(t, p.Address); err == nil {
				continue
			}
			if err := p.check(); err != nil {
				return err
			}
			if err := insertPool(t, p, version); err != nil {
				return err
			}
		}
		return setMeta(t, "seeded", "1")
	})
}
