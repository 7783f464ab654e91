package monitoring

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

var boards = map[string]board{"dashboard.json": box, "centre-dashboard.json": centre}

// Grafana's schema has a place for each field of the dashboards, and each that it needs is
// there.
func TestDashboardsFitTheSchema(t *testing.T) {
	known := cog.NewRuntime()
	known.RegisterPanelcfgVariant(stat.VariantConfig())
	known.RegisterPanelcfgVariant(table.VariantConfig())
	known.RegisterPanelcfgVariant(timeseries.VariantConfig())
	known.RegisterDataqueryVariant(prometheus.VariantConfig())
	for file, b := range boards {
		var d grafana.Dashboard //lint:ignore SA1019 see board.JSON
		// If nothing is wrong, the error is a list without entries, and not nil.
		if err := d.UnmarshalJSONStrict([]byte(b.JSON())); err != nil && err.Error() != "" {
			t.Errorf("%s: %v", file, err)
		} else if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// Panels lie in full rows of 24 columns: none is half outside, none on another.
func TestPanelsFillTheirRows(t *testing.T) {
	for file, b := range boards {
		var x, height uint32
		for _, p := range b.panels {
			if x == 0 {
				height = p.height
			}
			if x += p.width; x > 24 || p.height != height {
				t.Errorf("%s: panel %q does not fit in its row: it ends at column %d, and is %d high where others are %d", file, p.title, x, p.height, height)
			}
			x %= 24
		}
		if x != 0 {
			t.Errorf("%s: the last row ends at column %d of 24", file, x)
		}
	}
}

// What a panel asks for is PromQL, also as VictoriaMetrics reads it.
func TestPanelsAskInPromQL(t *testing.T) {
	var b strings.Builder
	b.WriteString("groups:\n  - name: panels\n    rules:\n")
	for _, board := range boards {
		for _, p := range board.panels {
			for i, q := range p.queries {
				fmt.Fprintf(&b, "      - record: panel\n        labels: { panel: %q }\n        expr: %q\n", p.title+refID(i), strings.ReplaceAll(q.expr, "HERE", board.here()))
			}
		}
	}
	file := filepath.Join(t.TempDir(), "panels.yml")
	write(t, file, b.String())
	t.Run("promtool", func(t *testing.T) { run(t, program(t, "promtool", "prometheus"), "check", "rules", file) })
	t.Run("vmalert", func(t *testing.T) {
		run(t, program(t, "vmalert", "victoria-metrics"), "-dryRun", "-rule.validateExpressions", "-rule="+file)
	})
}
