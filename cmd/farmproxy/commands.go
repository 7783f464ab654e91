package main

import (
	"context"
	"flag"

	"farmproxy/api"
	"farmproxy/bench"
)

// commands is the table, in the order of help.
var commands []command

// The table is filled here because some of its commands print it.
func init() {
	commands = []command{
		{name: "run", summary: "serve miners", about: runAbout, define: runCommand},
		{name: "check", summary: "list every problem of a configuration, or else what it turns on", about: checkAbout, define: checkCommand},
		{name: "doctor", summary: "find what is wrong with the installation, and say how to mend it", about: doctorAbout, define: doctorCommand},
		{name: "status", summary: "show what the running farmproxy does", about: statusAbout, define: asks("status", printStatus)},
		{name: "top", summary: "show the farm and its workers, live", about: topAbout, define: topCommand},
		{name: "workers", summary: "list the workers, filtered and sorted", about: workersAbout, define: workersCommand},
		{name: "pools", summary: "list the pools, with their states and shares", about: poolsAbout, define: lists("pools", printPools)},
		{name: "routes", summary: "list the routes that are split, with what each goal should get and gets", about: routesAbout, define: lists("routes", printRoutes)},
		{name: "weights", takes: "ROUTE [GOAL=WEIGHT...]", summary: "show how a route's work is divided, or divide it otherwise", about: weightsAbout, define: weightsCommand},
		{name: "move", takes: "WORKER GOAL", summary: "move a worker's miners to another goal", about: moveAbout, define: placing("move", true)},
		{name: "pin", takes: "WORKER [GOAL]", summary: "keep a worker at a goal", about: pinAbout, define: placing("pin", false)},
		{name: "unpin", takes: "WORKER", summary: "let a worker that is pinned be moved again", define: unpinCommand},
		{name: "drain", takes: "POOL", summary: "leave a pool, and give it no more work", about: drainAbout, define: leaving(api.Drain)},
		{name: "disable", takes: "POOL", summary: "leave a pool, and do not connect to it", about: disableAbout, define: leaving(api.Disable)},
		{name: "enable", takes: "POOL", summary: "use a pool again that was drained or disabled", about: enableAbout, define: leaving(api.Enable)},
		{name: "alerts", summary: "list what is wrong, and since when", about: alertsAbout, define: lists("alerts", printAlerts)},
		{name: "curtail", takes: "[GROUP]", summary: "say that miners are off on purpose, or list when they are", about: curtailAbout, define: curtailCommand},
		{name: "orders", summary: "list what operators have ordered", about: ordersAbout, define: lists("orders", printOrders)},
		{name: "view list", summary: "list the links with which others may look at the page", define: lists("view list", printViewLinks)},
		{name: "view create", takes: "NAME", summary: "make a link with which others may look at the page", about: viewCreateAbout, define: viewCreateCommand},
		{name: "view revoke", takes: "NAME", summary: "take back a link to the page", about: viewRevokeAbout, define: viewRevokeCommand},
		{name: "alerts test", takes: "[CHANNEL]", summary: "send a test message, or a report, to the channels of alerts", about: alertsTestAbout, define: alertsTestCommand},
		{name: "report", takes: "[daily|weekly]", summary: "show what the farm did on the last day, or in the last week", about: reportAbout, words: reportKinds, define: reportCommand},
		{name: "reload", summary: "have the running farmproxy read its configuration again", about: reloadAbout, define: reloadCommand},
		{name: "config", summary: "show the configuration of the running farmproxy", about: configAbout, define: asks("config", printConfig)},
		{name: "overlay", summary: "show the pools and routes that were set over the API, or remove them", about: overlayAbout, define: overlayCommand},
		{name: "trace", takes: "WORKER|POOL", summary: "show what a miner, or a pool, and farmproxy say to each other", about: traceAbout, define: traceCommand},
		{name: "cert", takes: "[HOST...]", summary: "make a self-signed certificate for [[listener]] or [http] tls", about: certAbout, define: certCommand},
		{name: "upgrade", summary: "have the binary on disk take over from the running farmproxy", about: upgradeAbout, define: asks("upgrade", printUpgrade)},
		{name: "lame-duck", summary: "take no more miners, let those go that are here, and end", about: lameDuckAbout, define: lameDuckCommand},
		{name: "import stratum-proxy", takes: "FILE", summary: "copy the accounts, pools and algorithms of miningmeter/stratum-proxy to the store", about: importStratumProxyAbout, define: importStratumProxyCommand},
		{name: "import btcagent", takes: "FILE", summary: "convert a BTCAgent configuration to farmproxy's format, with comments, and print it", about: importBTCAgentAbout, define: importBTCAgentCommand},
		{name: "import braiins", takes: "FILE", summary: "convert a configuration of Braiins Farm Proxy to farmproxy's format, with comments, and print it", about: importBraiinsAbout, define: importBraiinsCommand},
		{name: "store repair", summary: "replace a damaged account database", about: storeRepairAbout, define: storeRepairCommand},
		{name: "store backup", takes: "DIRECTORY", summary: "copy the account database and its key, while farmproxy runs", about: storeBackupAbout, define: storeBackupCommand},
		{name: "bench", takes: "SUBCOMMAND", summary: "load-test this machine with simulated pools and miners, or run a demo", about: "farmproxy bench -h lists the subcommands.", words: benchWords, own: true, define: benchCommand},
		{name: "version", summary: "print the version, and what was built where", define: versionCommand},
		{name: "help", takes: "[COMMAND]", summary: "explain a command", words: firstWords, define: helpCommand},
		{name: "man", summary: "print the manual page, for man -l or a package", define: manCommand},
		{name: "completion", takes: "bash|zsh", summary: "print what completes farmproxy's commands and flags in a shell", about: completionAbout, words: shells, define: completionCommand},
	}
}

func benchCommand(*flag.FlagSet) run {
	return func(ctx context.Context, args []string, t terminal) int {
		return bench.Main(ctx, args, t.out, t.err)
	}
}
