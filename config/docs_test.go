package config

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// docRow is one key as docs/configuration.md describes it.
type docRow struct{ what, kind, standard, zero string }

const document = "../docs/configuration.md"

func TestEveryKeyIsDocumented(t *testing.T) {
	rows := mustDocument(t)
	for key, standard := range standards() {
		row, ok := rows[key]
		if !ok {
			t.Errorf("%s: not in %s", key, document)
			continue
		}
		delete(rows, key)
		if row.standard != standard {
			t.Errorf("%s: the default is %s, %s says %s", key, standard, document, row.standard)
		}
		if row.what == "" || row.kind == "" || row.zero == "" {
			t.Errorf("%s: a cell is empty in %s: %+v", key, document, row)
		}
	}
	for key := range rows {
		t.Errorf("%s: in %s, but there is no such key", key, document)
	}
}

// numbered makes of a key in the document that in withZero's file.
var numbered = strings.NewReplacer("alerts.rule.", "alerts.rule[1].", "alerts.curtailment.", "alerts.curtailment[1].", "alerts.channel.", "alerts.channel[1].", "route.goal.schedule.", "route[1].goal[1].schedule[1].", "listener.", "listener[1].", "pool.", "pool[1].", "route.goal.", "route[1].goal[1].", "route.", "route[1].")

// A zero is refused exactly where the document says so.
func TestZerosAreAsDocumented(t *testing.T) {
	for key, row := range mustDocument(t) {
		refused := false
		_, err := Parse([]byte(withZero(key)))
		if problems, ok := err.(Problems); ok {
			refused = problems.has(numbered.Replace(key))
		}
		if documented := row.zero == "refused"; refused != documented {
			t.Errorf("%s: zero refused: %v, documented: %v\n%v", key, refused, documented, err)
		}
	}
}

func TestDocumentedFilesAreRight(t *testing.T) {
	text := mustRead(t, document) + mustRead(t, "../docs/channels.md")
	blocks := regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(blocks) == 0 {
		t.Fatal("no example")
	}
	for _, block := range blocks {
		if _, err := Parse([]byte(block[1])); err != nil {
			t.Errorf("%s\n%v", block[1], err)
		}
	}
}

// mustDocument reads the tables of the document: it maps table.key to the key's row.
func mustDocument(t *testing.T) map[string]docRow {
	t.Helper()
	rows := make(map[string]docRow)
	table := ""
	heading := regexp.MustCompile("^## `\\[+([\\w.]+)\\]+`$")
	for line := range strings.Lines(mustRead(t, document)) {
		line = strings.TrimSpace(line)
		if m := heading.FindStringSubmatch(line); m != nil {
			table = m[1]
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "| `") || len(cells) != 5 {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows[join(table, strings.Trim(cells[0], "`"))] = docRow{cells[1], cells[2], cells[3], cells[4]}
	}
	return rows
}

// standards returns the defaults of all keys in the document's words.
func standards() map[string]string {
	found := make(map[string]string)
	collect(found, "", reflect.ValueOf(*Default()))
	collect(found, "listener", reflect.ValueOf(Listener{}))
	collect(found, "pool", reflect.ValueOf(defaultPool()))
	collect(found, "route", reflect.ValueOf(Route{}))
	collect(found, "route.goal", reflect.ValueOf(defaultGoal()))
	collect(found, "route.goal.schedule", reflect.ValueOf(defaultPeriod()))
	collect(found, "alerts.rule", reflect.ValueOf(defaultAlertRule()))
	collect(found, "alerts.channel", reflect.ValueOf(defaultChannel()))
	collect(found, "alerts.curtailment", reflect.ValueOf(Curtailment{}))
	for _, required := range []string{"listener.address", "pool.url", "pool.user", "route.name", "route.goal.name", "route.goal.pools",
		"alerts.rule.name", "alerts.channel.kind", "alerts.curtailment.from", "alerts.curtailment.to",
		"route.goal.schedule.from", "route.goal.schedule.to", "route.goal.schedule.weight"} {
		found[required] = "required"
	}
	found["alerts.rule.for"], found["alerts.rule.threshold"] = "the rule's", "the rule's"
	found["alerts.channel.name"], found["alerts.channel.gets"] = "its kind", "`[\"page\", \"ticket\", \"report\"]`"
	found["alerts.rule.cool_down"] = "`alerts.cool_down`"
	found["listener.route"] = "the first `[[route]]`"
	found["pool.name"] = "host:port of `url`"
	found["metrics.proxy"] = "the first listener's address"
	found["store.key_file"] = "`store.key`, see below"
	return found
}

func collect(found map[string]string, table string, v reflect.Value) {
	for i := range v.NumField() {
		key := join(table, v.Type().Field(i).Tag.Get("toml"))
		switch x := v.Field(i).Interface().(type) {
		case []Listener, []Pool, []Route, []Goal, []Period, []AlertRule, []Curtailment, []Channel: // described by the starting point for one of them
		case []Secret, []string:
			found[key] = "`[]`"
		case Secret:
			found[key] = fmt.Sprintf("`%q`", string(x))
		case Hold:
			found[key] = fmt.Sprintf("`%q`", x)
		case string, time.Duration, int, float64, bool:
			found[key] = "`" + show(x) + "`"
		default:
			collect(found, key, v.Field(i))
		}
	}
}

// withZero returns a file that is right except for one key, which has its type's zero.
func withZero(key string) string {
	table, name, ok := strings.Cut(key, ".")
	if !ok {
		return key + ` = ""` + smallest
	}
	for _, list := range []string{"route.goal.schedule", "route.goal", "alerts.rule", "alerts.curtailment", "alerts.channel"} {
		if inner, nested := strings.CutPrefix(key, list+"."); nested {
			table, name = list, inner
			break
		}
	}
	zero := map[reflect.Kind]string{reflect.String: `""`, reflect.Int: "0", reflect.Int64: `"0s"`, reflect.Struct: `"0s"`,
		reflect.Slice:   "[]",
		reflect.Float64: "0", reflect.Bool: "false"}[kindOf(table, name)]
	switch line := name + " = " + zero + "\n"; table {
	case "listener":
		return "[[listener]]\n" + line + onePool
	case "pool":
		others := regexp.MustCompile("(?m)^"+name+" .*\n").ReplaceAllString(onePool, "")
		return oneListener + others + line
	case "route", "route.goal", "route.goal.schedule":
		text := oneRoute + onePeriod + "[[route.goal]]\nname = 'second'\npools = ['pool.example:3333']\n"
		header := "[[" + table + "]]\n"
		first := text[strings.Index(text, header)+len(header):]
		first, _, _ = strings.Cut(first, "[[")
		return smallest + strings.Replace(text, first, regexp.MustCompile("(?m)^"+name+" .*\n").ReplaceAllString(first, "")+line, 1)
	case "alerts.rule":
		return smallest + without("[[alerts.rule]]\nname = 'rejects'\n", name) + line
	case "alerts.curtailment":
		return smallest + without("[[alerts.curtailment]]\nfrom = '17:00'\nto = '20:00'\n", name) + line
	case "alerts.channel":
		return smallest + without("[[alerts.channel]]\nkind = 'email'\nserver = 'mail.example:587'\nfrom = 'a@b.example'\nto = ['c@d.example']\n", name) + line
	default:
		return smallest + "[" + table + "]\n" + line
	}
}

// without returns a table without a key.
func without(table, key string) string {
	return regexp.MustCompile("(?m)^"+key+" .*\n").ReplaceAllString(table, "")
}

func kindOf(table, key string) reflect.Kind {
	v := reflect.ValueOf(Config{})
	for part := range strings.SplitSeq(table, ".") {
		if v = fieldOf(v, part); v.Kind() == reflect.Slice {
			v = reflect.Zero(v.Type().Elem())
		}
	}
	if outer, inner, nested := strings.Cut(key, "."); nested {
		v, key = fieldOf(v, outer), inner
	}
	return fieldOf(v, key).Kind()
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
