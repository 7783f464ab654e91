package proxy

import (
	"context"

	"farmproxy/admin"
	"farmproxy/api"
	"farmproxy/report"
)

// ReportArgs are the arguments of the admin command report.
type ReportArgs struct {
	Report report.Kind `json:"report"`
}

// ReportAnswer is a report as text.
type ReportAnswer struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// notifyCommands registers what operators can ask of alerts' channels and of reports.
func (p *proxy) notifyCommands() {
	p.admin.Handle("alerts test", command(func(ctx context.Context, by string, o api.TestOrder) (any, error) { return p.notify.Test(ctx, by, o) }))
	p.admin.Query("report", func(ctx context.Context, c *admin.Call) (any, error) {
		var args ReportArgs
		if err := c.Args(&args); err != nil {
			return nil, err
		}
		kind, err := report.KindOf(string(args.Report))
		if err != nil {
			return nil, err
		}
		r, err := p.notify.read(ctx, kind, p.notify.now())
		if err != nil {
			return nil, err
		}
		return ReportAnswer{r.Title(), r.Text()}, nil
	})
}
