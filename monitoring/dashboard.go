package monitoring

import (
	"encoding/json"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// board is a dashboard.
type board struct {
	uid, title, about string
	choices           []choice // what the reader can limit it to
	panels            []panel  // from left to right in 24 columns, then from top to bottom
	link              *grafana.DashboardLinkBuilder
}

// choice is a list that the reader chooses from: the values of a label.
type choice struct{ label, title string }

// kind is what a panel looks like.
type kind int

const (
	number kind = iota // the last value
	good               // a number that is wrong if it is 0
	bad                // a number that is wrong unless it is 0
	lines              // over time
	stack              // over time, one on top of the other
	rows               // a table of what is now
)

// panel is one of a dashboard's panels.
type panel struct {
	title         string
	kind          kind
	unit          string
	width, height uint32
	queries       []query
	about         string
}

// query is a question in PromQL, in which HERE stands for what the reader has chosen. Its
// legend names a line, or a column of a table with several queries; as in unit.
type query struct{ expr, legend, unit string }

var source = common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${source}")}

// here returns the selector that stands for HERE.
func (b *board) here() string {
	var chosen []string
	for _, c := range b.choices {
		chosen = append(chosen, c.label+`=~"$`+c.label+`"`)
	}
	return strings.Join(chosen, ", ")
}

// JSON returns the dashboard as Grafana imports it.
func (b *board) JSON() string {
	all := grafana.StringOrArrayOfString{String: cog.ToPtr("All")}
	every := grafana.StringOrArrayOfString{String: cog.ToPtr("$__all")}
	//lint:ignore SA1019 the newer form can't be imported by the Grafana that most have
	d := grafana.NewDashboardBuilder(b.title).Uid(b.uid).Description(b.about).Tags([]string{"farmproxy"}).
		Refresh("30s").Time("now-24h", "now").Timezone("browser").Tooltip(grafana.DashboardCursorSyncCrosshair).
		WithVariable(grafana.NewDatasourceVariableBuilder("source").Label("Source").Type("prometheus"))
	for _, c := range b.choices {
		d.WithVariable(grafana.NewQueryVariableBuilder(c.label).Label(c.title).Datasource(source).
			Query(grafana.StringOrMap{String: cog.ToPtr("label_values(farmproxy_ready, " + c.label + ")")}).
			Refresh(grafana.VariableRefreshOnTimeRangeChanged).Sort(grafana.VariableSortAlphabeticalAsc).
			Multi(true).IncludeAll(true).AllValue(".*").Current(grafana.VariableOption{Text: all, Value: every}))
	}
	if b.link != nil {
		d.Link(b.link)
	}
	for i := range b.panels {
		d.WithPanel(b.panels[i].build(uint32(i+1), b.here()))
	}
	text, err := json.MarshalIndent(must(d.Build()), "", "  ")
	return string(must(text, err)) + "\n"
}

// build returns the panel as Grafana knows it.
func (p *panel) build(id uint32, here string) cog.Builder[grafana.Panel] {
	switch p.kind {
	case lines, stack:
		return p.chart(id, here)
	case rows:
		return p.table(id, here)
	}
	return p.number(id, here)
}

// number returns a value of now in large figures.
func (p *panel) number(id uint32, here string) cog.Builder[grafana.Panel] {
	b := stat.NewPanelBuilder().Id(id).Title(p.title).Description(p.about).Datasource(source).Unit(p.unit).Height(p.height).Span(p.width).
		GraphMode(common.BigValueGraphModeArea).Orientation(common.VizOrientationAuto).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
	switch p.kind {
	case good:
		b.Thresholds(colours("red", "green"))
	case bad:
		b.Thresholds(colours("green", "red"))
	default:
		b.Thresholds(colours("blue", "blue"))
	}
	for i := range p.queries {
		b.WithTarget(p.queries[i].over(i, here))
	}
	return b
}

// chart returns lines over time.
func (p *panel) chart(id uint32, here string) cog.Builder[grafana.Panel] {
	b := timeseries.NewPanelBuilder().Id(id).Title(p.title).Description(p.about).Datasource(source).Unit(p.unit).Height(p.height).Span(p.width).Min(0).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeTable).Placement(common.LegendPlacementRight).
			Calcs([]string{"lastNotNull"}).SortBy("Last *").SortDesc(true)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	if p.kind == stack {
		b.FillOpacity(30).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
	}
	for i := range p.queries {
		b.WithTarget(p.queries[i].over(i, here))
	}
	return b
}

// table returns a table of what is now: a row for each set of labels, a column for each
// label and each query.
func (p *panel) table(id uint32, here string) cog.Builder[grafana.Panel] {
	b := table.NewPanelBuilder().Id(id).Title(p.title).Description(p.about).Datasource(source).Unit(p.unit).Height(p.height).Span(p.width).Filterable(true).
		CellOptions(common.TableCellOptions{TableAutoCellOptions: common.NewTableAutoCellOptions()}). // Grafana's schema wants one
		Footer(common.NewTableFooterOptionsBuilder().Reducer([]string{}))
	hidden, names := map[string]bool{"Time": true, "__name__": true, "job": true}, map[string]string{}
	for i := range p.queries {
		q := &p.queries[i]
		b.WithTarget(q.now(i, here))
		column := "Value"
		if len(p.queries) > 1 {
			column += " #" + refID(i)
		}
		names[column] = q.legend
		if q.unit != "" {
			b.OverrideByName(q.legend, []grafana.DynamicConfigValue{{Id: "unit", Value: q.unit}})
		}
	}
	if len(p.queries) > 1 {
		b.WithTransformation(grafana.DataTransformerConfig{Id: "merge", Options: map[string]any{}})
	}
	b.WithTransformation(grafana.DataTransformerConfig{Id: "organize", Options: map[string]any{"excludeByName": hidden, "indexByName": map[string]int{}, "renameByName": names}})
	return b
}

// over asks for the time that the reader looks at.
func (q *query) over(i int, here string) *prometheus.DataqueryBuilder {
	return q.ask(i, here).Range().Format(prometheus.PromQueryFormatTimeSeries).LegendFormat(q.legend)
}

// now asks for the end of that time.
func (q *query) now(i int, here string) *prometheus.DataqueryBuilder {
	return q.ask(i, here).Instant().Format(prometheus.PromQueryFormatTable)
}

func (q *query) ask(i int, here string) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().RefId(refID(i)).Datasource(source).Expr(strings.ReplaceAll(q.expr, "HERE", here))
}

// refID is what Grafana calls the query of a panel: A, B, C.
func refID(i int) string { return string(rune('A' + i)) }

// colours returns the colour of 0, and that of 1 and more.
func colours(none, some string) *grafana.ThresholdsConfigBuilder {
	return grafana.NewThresholdsConfigBuilder().Mode(grafana.ThresholdsModeAbsolute).
		Steps([]grafana.Threshold{{Color: none}, {Value: cog.ToPtr(1.0), Color: some}})
}

// must returns what was built from constants: a mistake in them is one of the program.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
