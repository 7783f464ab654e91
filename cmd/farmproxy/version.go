package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"

	"farmproxy/proxy"
)

func versionCommand(flags *flag.FlagSet) run {
	asJSON := jsonFlag(flags)
	return func(_ context.Context, args []string, t terminal) int {
		if code, ok := takesNothing("version", args, t); !ok {
			return code
		}
		b := proxy.ThisBuild()
		if *asJSON {
			text, err := json.Marshal(b)
			if err != nil {
				return failed(t, err)
			}
			fmt.Fprintf(t.out, "%s\n", text)
			return exitOK
		}
		fmt.Fprintf(t.out, "farmproxy %s\ncommit   %s\ndate     %s\ngo       %s\nplatform %s\n", b.Version, b.Commit, b.Date, b.Go, b.Platform)
		return exitOK
	}
}

// jsonFlag adds -json, which commands share that answer a question.
func jsonFlag(flags *flag.FlagSet) *bool {
	return flags.Bool("json", false, "print one JSON object, for programs")
}
