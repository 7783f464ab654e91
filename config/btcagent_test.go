package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"farmproxy/internal/golden"
)

// Each file under testdata/btcagent has beside it its conversion, or word for word what
// an operator is told about it. Running the old file is the same as running the new
// one.
func TestBTCAgentFiles(t *testing.T) {
	for _, path := range mustGlob(t, "testdata/btcagent/*.json") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := fromBTCAgent(t, path)
			recorded, got := strings.TrimSuffix(path, ".json")+".toml", string(text)
			if err != nil {
				recorded = strings.TrimSuffix(path, ".json") + ".problems"
				got = strings.ReplaceAll(err.Error(), path, filepath.Base(path)) + "\n"
			}
			if golden.Compare(t, recorded, got); t.Failed() {
				return
			}
			c, loadErr := Load(path)
			if err != nil {
				if c != nil || loadErr == nil || loadErr.Error() != err.Error() {
					t.Errorf("Load says %v\n%v", c, loadErr)
				}
				return
			}
			wantEqual(t, c, mustLoad(t, recorded))
		})
	}
}

// Everything in the old file can be found in the new one.
func TestNoKeyOfBTCAgentIsDropped(t *testing.T) {
	for _, path := range mustGlob(t, "testdata/btcagent/*.json") {
		text, err := fromBTCAgent(t, path)
		if err != nil {
			continue
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(mustRead(t, path)), &members); err != nil {
			t.Fatal(err)
		}
		for _, key := range keysOfJSON("", members) {
			if !strings.Contains(string(text), key) {
				t.Errorf("%s: nothing is said of %s", path, key)
			}
		}
	}
}

// Nor is a value changed silently.
func TestNoValueOfBTCAgentIsDropped(t *testing.T) {
	f := func(text string, says ...string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "agent_conf.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := fromBTCAgent(t, path)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range says {
			if !strings.Contains(string(got), part) {
				t.Errorf("%s: nothing says %q:\n%s", text, part, got)
			}
		}
	}
	f(`{"multi_user_mode":true,"pools":[["a.example",1800],["b.example",1800,"farm"]]}`, "The sub-accounts of the pools are left out")
	f(`{"multi_user_mode":true,"pools":[["a.example",1800,"farm"],["b.example",1800,"farm"]]}`, "The sub-accounts of the pools are left out")
	f(`{"pools":[["a.example",1800,"farm"]],"advanced":{"pool_connection_read_timeout_seconds":172800}}`, `silence = "24h"`, "BTCAgent had 48h; the most allowed is 24h")
	f(`{"pools":[["a.example",1800,"farm"]],"advanced":{"pool_connection_number_per_subaccount":200}}`, "links = 64", "The most allowed is 64")
	f(`{"pools":[["a.example",1800,"farm","x","y"]]}`, "pools[1][4]", "this entry and any after it")
	f(`{"pools":[["a.example",1800,"farm"]],"pools":[["b.example",1800,"farm"]]}`, "Given more than once", "b.example")
}

// docs/migrating.md says what became of each key.
func TestEveryKeyOfBTCAgentIsDocumented(t *testing.T) {
	text := mustRead(t, "../docs/migrating.md")
	for _, path := range []string{"testdata/btcagent/go_default.json", "testdata/btcagent/cpp_last.json"} {
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(mustRead(t, path)), &members); err != nil {
			t.Fatal(err)
		}
		for _, key := range keysOfJSON("", members) {
			last := key[strings.LastIndexByte(key, '.')+1:]
			if !strings.Contains(text, "`"+key+"`") && !strings.Contains(text, "`."+last+"`") {
				t.Errorf("%s: not in docs/migrating.md", key)
			}
		}
	}
}

// keysOfJSON returns the paths of all keys whose value is not a section.
func keysOfJSON(section string, members map[string]json.RawMessage) (paths []string) {
	for key, value := range members {
		var inner map[string]json.RawMessage
		if path := join(section, key); sections[path] && json.Unmarshal(value, &inner) == nil {
			paths = append(paths, keysOfJSON(path, inner)...)
		} else {
			paths = append(paths, plainKey(path))
		}
	}
	return paths
}

func TestBTCAgentIsRecognized(t *testing.T) {
	f := func(text string, want bool) {
		t.Helper()
		if got := isBTCAgent([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	f("{}", true)
	f(" \r\n\t{", true)
	f("\uFEFF{}", true)
	f("", false)
	f("[[pool]]", false)
	f("# {\n", false)

	if _, err := fromBTCAgent(t, "testdata/good/minimal.toml"); err == nil || !strings.Contains(err.Error(), "this is not a BTCAgent configuration") {
		t.Errorf("%v", err)
	}
}

const agentPools = `"pools": [["pool.example", 1800, "farm"]]`

// Members of the old file beside a pool, and the lines they become; lines of the new
// file that are right without them are ignored.
func TestBTCAgentOptions(t *testing.T) {
	f := func(members string, want ...string) {
		t.Helper()
		text, err := convertText("{" + members + "," + agentPools + "}")
		if err != nil {
			t.Errorf("%s: %v", members, err)
			return
		}
		for _, line := range want {
			line, not := strings.CutPrefix(line, "not ")
			if strings.Contains(text, line) == not {
				t.Errorf("%s: want %s %q in\n%s", members, map[bool]string{true: "no", false: "a"}[not], line, text)
			}
		}
	}
	f(`"x": 1`, `address = "0.0.0.0:3333"`, `user = "farm"`, `links = 5`, `answer = "local"`, `reconnect_lost_rolling = true`,
		"not multi_user", "not worker_name", "not fixed_worker", "not tls_insecure", "not keepalive =", "not hold = \"forever\"", "not urls", "\n# - x\n")
	f(`"agent_listen_ip": "[::]"`, `address = "[::]:3333"`)
	f(`"agent_listen_ip": ""`, `address = ":3333"`)
	f(`"Agent_Listen_Port": "3334"`, `address = "0.0.0.0:3334"  # agent_listen_ip (its default), Agent_Listen_Port`)
	f(`"agent_listen_port": 8080`, `address = "127.0.0.1:8081"  # agent_listen_port`)
	f(`"always_keep_downconn": true`, `hold = "forever"  # always_keep_downconn`)
	f(`"always_keep_downconn": "TRUE"`, `hold = "forever"`)
	f(`"always_keep_downconn": null`, "not hold = \"forever\"")
	f(`"disconnect_when_lost_asicboost": false`, "reconnect_lost_rolling = false")
	f(`"submit_response_from_server": true`, `answer = "pool"`)
	f(`"multi_user_mode": true`, "multi_user = true", "not \nuser = ")

	f(`"use_ip_as_worker_name": true`, `worker_name = "{ip1}x{ip2}x{ip3}x{ip4}"  # ip_worker_name_format (its default), use_ip_as_worker_name`)
	f(`"use_ip_as_worker_name": true, "ip_worker_name_format": "{4}-{3}"`, `worker_name = "{ip4}-{ip3}"  # ip_worker_name_format`)
	f(`"use_ip_as_worker_name": true, "ip_worker_name_format": "{1} {5}{2}\"<"`, `worker_name = "{ip1}5{ip2}"`)
	f(`"use_ip_as_worker_name": true, "ip_worker_name_format": "all {5}"`, `fixed_worker = "all5"  # ip_worker_name_format`, "not worker_name =")
	f(`"use_ip_as_worker_name": true, "ip_worker_name_format": "{ }"`, "not worker_name =", "not fixed_worker =")
	f(`"ip_worker_name_format": "{4}"`, "not worker_name =")
	f(`"use_ip_as_worker_name": true, "fixed_worker_name": "the \"edge\""`, `fixed_worker = "theedge"  # fixed_worker_name`, "not worker_name =")

	f(`"pool_use_tls": true`, `url = "agent+tls://pool.example:1800"`, "tls_insecure = true  # advanced.tls_skip_certificate_verify (its default)")
	f(`"pool_use_tls": true, "advanced": {"tls_skip_certificate_verify": false}`, "agent+tls://", "not tls_insecure")
	f(`"advanced": {"tls_skip_certificate_verify": true}`, "not tls_insecure")
	f(`"advanced": {"pool_connection_number_per_subaccount": 1}`, "links = 1", "not One would do")
	f(`"advanced": {"pool_connection_number_per_subaccount": 0}`, "links = 1")
	f(`"advanced": {"pool_connection_number_per_subaccount": 255}`, "links = 64")
	f(`"advanced": {"fake_job_notify_interval_seconds": 90}`, `keepalive = "1m30s"`)
	f(`"advanced": {"fake_job_notify_interval_seconds": 4000}`, "not keepalive =", "# - advanced.fake_job_notify_interval_seconds: ")
	f(`"advanced": {"pool_connection_read_timeout_seconds": 60}`, "not silence =", "# - advanced.pool_connection_read_timeout_seconds: ")
	f(`"advanced": {"pool_connection_read_timeout_seconds": 61}`, `silence = "1m1s"`)
	f(`"advanced": {"pool_connection_read_timeout_seconds": 4294967295}`, `silence = "24h"`)
	f(`"advanced": null, "http_debug": null`, "links = 5")

	f(`"proxy": ["socks5://10.0.0.2:1080"]`, `"socks5://10.0.0.2:1080",`, `direct = "after"  # direct_connect_after_proxy (its default)`, "not tls_insecure")
	f(`"proxy": ["socks5://10.0.0.2:1080"], "use_proxy": false`, "not [proxies]")
	f(`"proxy": ["socks5://10.0.0.2:1080"], "direct_connect_after_proxy": false`, `direct = "never"`)
	f(`"proxy": ["socks5://10.0.0.2:1080"], "direct_connect_with_proxy": true`, `direct = "beside"`)
	f(`"proxy": ["socks5://10.0.0.2:1080", " "], "direct_connect_after_proxy": false`, `direct = "beside"  # proxy[2]`)
	f(`"proxy": ""`, "not [proxies]")
	f(`"proxy": "socks5://10.0.0.2:1080"`, `"socks5://10.0.0.2:1080",`, "]  # proxy\n", `direct = "after"`)
	f(`"proxy": [""], "direct_connect_after_proxy": false`, "not [proxies]")
	f(`"proxy": [" Socks://u:p@10.0.0.2:1080 ", "socks4a://10.0.0.2", "10.0.0.2", "://10.0.0.2:8080", "http://10.0.0.2:"]`,
		`"socks5://u:p@10.0.0.2:1080",`, `"socks5://10.0.0.2:1080",`, `"http://10.0.0.2:80",`, `"http://10.0.0.2:8080",`)
	f(`"proxy": ["https://[2001:db8::1]"]`, `"https://[2001:db8::1]:443",`, "tls_insecure = true")
	f(`"proxy": ["system"], "advanced": {"tls_skip_certificate_verify": false}`, `"system",`, "not tls_insecure")

	f(`"pools": 1, "POOLS": [["a.example", 1, "b"]]`, `user = "farm"`, "# - pools\n")
}

// What the problems of a converted file say, and which key of the old file they name.
func TestBTCAgentProblems(t *testing.T) {
	f := func(text, key, want string) {
		t.Helper()
		_, err := convertText(text)
		problems, _ := err.(Problems)
		for _, p := range problems {
			if p.Key == key && p.Line == 1 && strings.Contains(p.String(), want) {
				return
			}
		}
		t.Errorf("%s: want %q on %s, got %v", text, want, key, err)
	}
	f(`{"pools": []}`, "pools", "required: a host, a port and a sub-account of at least one pool")
	f(`{"pools": [["", 1800, "farm"]]}`, "pools[1]", "expected stratum+tcp://host:port, stratum+tls://host:port, or the same with agent+, and nothing else")
	f(`{"pools": [["pool.example", 0, "farm"]]}`, "pools[1][2]", "expected a whole number from 1 to 65535")
	f(`{"pools": [["pool.example", 1800, ""], ["pool.example", 443, "farm"]]}`, "pools[1]", "the last one is missing")
	f(`{"multi_user_mode": false, "pools": [["pool.example", 1800]]}`, "pools[1]", "the last one is missing")
	f(`{"pools": [`+strings.Repeat(`["pool.example", 1800, "farm"],`, MaxPools)+`["pool.example", 1800, "farm"]]}`, "pools", "expected at most 64 pools, found 65")
	f(`{"agent_type": "ETC",`+agentPools+`}`, "agent_type", "this is an agent for Ethereum pools, which farmproxy does not replace")
	f(`{"agent_listen_ip": "a b",`+agentPools+`}`, "agent_listen_ip", "expected an address of this machine before the port")
	f(`{"proxy": ["", "u:hunter2@h:x"],`+agentPools+`}`, "proxy[2]", "expected socks5://")
	f(`{"advanced": {"pool_connection_number_per_subaccount": 256},`+agentPools+`}`, "advanced.pool_connection_number_per_subaccount", "expected a whole number from 0 to 255; try 5")
}

func TestProblemsDoNotShowPasswordsOfProxies(t *testing.T) {
	for _, list := range []string{`"ftp://u:hunter2@h:1"`, `{"hunter2": 1}`, `["http://u:hunter2@h h"]`, `[["hunter2"]]`, `["ftp://u:hunter2@h:1"]`, `["u:hunter2@"]`} {
		_, err := convertText(`{"proxy": ` + list + `,` + agentPools + `}`)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", list, err)
		}
	}
}

// Whatever a file holds, it becomes a valid configuration, the same one each time, or
// there are Problems.
func FuzzBTCAgent(f *testing.F) {
	for _, path := range []string{"go_everything.json", "cpp_last.json", "wrong.json", "comma.json"} {
		text, err := os.ReadFile("testdata/btcagent/" + path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !isBTCAgent(text) {
			return
		}
		c, toml, err := parseBTCAgent(text)
		if err != nil {
			if ps, ok := err.(Problems); c != nil || !ok || len(ps) == 0 || err.Error() == "" {
				t.Fatalf("%v, %v", c, err)
			}
			return
		}
		if _, again, _ := parseBTCAgent(text); string(again) != string(toml) {
			t.Fatalf("once:\n%s\nand then:\n%s", toml, again)
		}
		if _, err := Parse(toml); err != nil {
			t.Fatalf("%v\n%s", err, toml)
		}
	})
}

func fromBTCAgent(t *testing.T, path string) ([]byte, error) {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f.FromBTCAgent()
}

// parseBTCAgent returns what Config and FromBTCAgent say about a file.
func parseBTCAgent(text []byte) (*Config, []byte, error) {
	f := &File{text: text}
	c, err := f.Config()
	if err != nil {
		return c, nil, err
	}
	toml, err := f.FromBTCAgent()
	return c, toml, err
}

func convertText(text string) (string, error) {
	_, toml, err := parseBTCAgent([]byte(text))
	return string(toml), err
}
