package api

import (
	"testing"

	"farmproxy/work"
)

func TestPools(t *testing.T) {
	s := newFarm(t)
	const (
		nothing = `"miners":0,"hashrate":0,"accepted":0,"rejected":{},"work":0`
		plain   = `"tls":false,"tls_insecure":false,"tls_fingerprint":"","workers":"aggregate","mode":"aggregate","links":0,"suggest_difficulty":0`
		a       = `{"pool":"a.example:3333","algorithm":"scrypt",` + plain + `,"divider":65536,` + nothing + `}`
		b       = `{"pool":"b.example:3333","algorithm":"sha256d",` + plain + `,"divider":1,` + nothing + `}`
		c       = `{"pool":"c.example:443","algorithm":"sha256d","tls":true,"tls_insecure":true,"tls_fingerprint":"","workers":"pass","mode":"direct","links":3,"suggest_difficulty":0.5,"divider":1,` + nothing + `}`
	)
	s.want(t, "GET", "/api/v1/pools", "", 200, `{"total":2,"page":1,"per_page":100,"pools":[`+a+`,`+b+`],"compared":[]}`)
	s.want(t, "GET", "/api/v1/pools?algorithm=sha256", "", 200, `{"total":1,"page":1,"per_page":100,"pools":[`+b+`],"compared":[]}`)
	s.want(t, "GET", "/api/v1/pools?search=A.EX", "", 200, `{"total":1,"page":1,"per_page":100,"pools":[`+a+`],"compared":[]}`)
	s.want(t, "GET", "/api/v1/pools?per_page=1&page=2", "", 200, `{"total":2,"page":2,"per_page":1,"pools":[`+b+`],"compared":[]}`)
	s.want(t, "GET", "/api/v1/pools/a.example:3333", "", 200, a)
	s.want(t, "GET", "/api/v1/pools/A.example:3333", "", 200, a)
	s.want(t, "POST", "/api/v1/pools", `{"pool":"C.example:443","algorithm":"SHA256","tls":true,"tls_insecure":true,"workers":"pass","mode":"direct","links":3,"suggest_difficulty":0.5}`, 201, c)
	s.want(t, "GET", "/api/v1/pools/c.example:443", "", 200, c)

	w := s.book.Worker("rig")
	w.Connected(noon, "", "")
	w.Mining("account", "a.example:3333", "scrypt")
	w.Share(0, noon, work.Accepted, 0.5)
	s.want(t, "GET", "/api/v1/pools/a.example:3333", "", 200, `{"pool":"a.example:3333","algorithm":"scrypt",`+plain+`,"divider":65536,
		"miners":1,"hashrate":0,"accepted":1,"rejected":{},"work":0.5}`)

	s.want(t, "POST", "/api/v1/pools", `{"pool":"b.example:3333","algorithm":"x11"}`, 409, `{"error":"pool b.example:3333 already exists: change it instead"}`)
	s.want(t, "PUT", "/api/v1/pools", `{"pool":"b.example:3333","algorithm":"sha256d"}`, 200, b)
	s.want(t, "PUT", "/api/v1/pools", `{"pool":"b.example:3333","algorithm":"scrypt"}`, 200, `{"pool":"b.example:3333","algorithm":"scrypt",`+plain+`,"divider":65536,`+nothing+`}`)
	s.want(t, "PUT", "/api/v1/pools", `{"pool":"[2001:DB8::1]:3333","algorithm":"scrypt"}`, 201, `{"pool":"[2001:db8::1]:3333","algorithm":"scrypt",`+plain+`,"divider":65536,`+nothing+`}`)
	s.want(t, "DELETE", "/api/v1/pools/[2001:db8::1]:3333", "", 204, "")
	s.want(t, "DELETE", "/api/v1/pools/c.example:443", "", 204, "")
	s.want(t, "GET", "/api/v1/pools/c.example:443", "", 404, `{"error":"pool c.example:443 is not known: add it with its algorithm first, or look up the right address in the list of pools"}`)
}

func TestPoolsRefuse(t *testing.T) {
	s := newFarm(t)
	const want = `want {\"pool\": a string, \"algorithm\": a string, \"tls\": true or false, \"tls_insecure\": true or false, \"tls_fingerprint\": a string, ` +
		`\"workers\": a string, \"mode\": a string, \"links\": a whole number, \"suggest_difficulty\": a number}`
	f := func(body string, code int, text string) {
		t.Helper()
		for _, method := range []string{"POST", "PUT"} {
			s.want(t, method, "/api/v1/pools", body, code, `{"error":"`+text+`"}`)
		}
	}
	f(`{"pool":"c.example:3333"}`, 400, `algorithm: required, such as \"sha256d\" or \"scrypt\"; GET /api/v1/algorithms lists them`)
	f(`{"pool":"c.example:3333","algorithm":"md5"}`, 422, `algorithm \"md5\" is not known: see the list of algorithms, or add it with its divider`)
	f(`{"algorithm":"scrypt"}`, 400, `pool \"\": expected host:port, such as \"pool.example.com:3333\"`)
	f(`{"pool":"c.example:3333","algorithm":"scrypt","mode":"both"}`, 400, `mode \"both\" of pool c.example:3333: expected \"aggregate\" or \"direct\"`)
	f(`{"pool":"c.example:3333","algorithm":"scrypt","links":"3"}`, 400, `\"links\": want a whole number, got string`)
	f(`{"pool":"c.example:3333","algorithm":"scrypt","links":1.5}`, 400, `\"links\": want a whole number, got number`)
	f(`{"pool":"c.example:3333","algorithm":"scrypt","tls":1}`, 400, `\"tls\": want true or false, got number`)
	f(`{"pool":"c.example:3333","algo":"scrypt"}`, 400, `\"algo\": no such field; `+want)
	f(`{"pool":"c.example:3333","algorithm":"scrypt"} x`, 400, `there is something behind the JSON object: `+want+` and nothing else`)
	s.want(t, "GET", "/api/v1/pools?user=x", "", 400, `{"error":"\"user\": no such parameter; want page, per_page, format, algorithm or search"}`)
	s.want(t, "GET", "/api/v1/pools/a", "", 400, `{"error":"pool \"a\": expected host:port, such as \"pool.example.com:3333\""}`)
}

func TestAPoolInUse(t *testing.T) {
	s := newFarm(t)
	name := s.register(t, `{"pool":"a.example:3333","user":"alice"}`)
	const path = "/api/v1/pools/a.example:3333"
	const refused = `{"error":"pool a.example:3333 has 1 accounts: delete them first, or delete them together with the pool: add ?with_accounts=true"}`
	s.want(t, "DELETE", path, "", 409, refused)
	s.want(t, "DELETE", path+"?with_accounts=false", "", 409, refused)
	s.want(t, "DELETE", path+"?with_accounts=yes", "", 400, `{"error":"with_accounts: want true or false, got \"yes\""}`)
	s.want(t, "DELETE", path+"?force=true", "", 400, `{"error":"\"force\": no such parameter; want with_accounts"}`)
	s.want(t, "DELETE", path+"?with_accounts=true", "", 204, "")
	s.want(t, "GET", "/api/v1/users/"+name, "", 404, `{"error":"account \"`+name+`\" is not known: register it, or see the list of accounts"}`)
}

func TestAlgorithms(t *testing.T) {
	s := newFarm(t)
	const (
		nothing = `"miners":0,"hashrate":0,"accepted":0,"rejected":{},"work":0`
		scrypt  = `{"name":"scrypt","divider":65536,"checked":true,` + nothing + `}`
		sha256d = `{"name":"sha256d","divider":1,"checked":true,` + nothing + `}`
		x11     = `{"name":"x11","divider":1,"checked":false,` + nothing + `}`
		unknown = `{"error":"algorithm \"x12\" is not known: see the list of algorithms, or add it with its divider"}`
	)
	s.want(t, "GET", "/api/v1/algorithms", "", 200, `{"total":3,"page":1,"per_page":100,"algorithms":[`+scrypt+`,`+sha256d+`,`+x11+`]}`)
	s.want(t, "GET", "/api/v1/algorithms?search=x1", "", 200, `{"total":1,"page":1,"per_page":100,"algorithms":[`+x11+`]}`)
	s.want(t, "GET", "/api/v1/algorithms/sha256", "", 200, sha256d)
	s.want(t, "GET", "/api/v1/algorithms/x12", "", 404, unknown)
	s.want(t, "POST", "/api/v1/algorithms", `{"name":"X12","divider":256}`, 201, `{"name":"x12","divider":256,"checked":false,`+nothing+`}`)
	s.want(t, "POST", "/api/v1/algorithms", `{"name":"x12","divider":256}`, 409, `{"error":"algorithm x12 already exists: change it instead"}`)
	s.want(t, "PUT", "/api/v1/algorithms", `{"name":"x12","divider":0.5}`, 200, `{"name":"x12","divider":0.5,"checked":false,`+nothing+`}`)
	s.want(t, "PUT", "/api/v1/algorithms", `{"name":"x13/a","divider":1}`, 201, `{"name":"x13/a","divider":1,"checked":false,`+nothing+`}`)
	s.want(t, "DELETE", "/api/v1/algorithms/x13/a", "", 204, "")
	s.want(t, "DELETE", "/api/v1/algorithms/x12", "", 204, "")
	s.want(t, "DELETE", "/api/v1/algorithms/x12", "", 404, unknown)
	s.want(t, "DELETE", "/api/v1/algorithms/scrypt", "", 409, `{"error":"algorithm scrypt is in use (pools: 1): delete them or change their algorithm first"}`)

	w := s.book.Worker("rig")
	w.Mining("account", "a.example:3333", "scrypt")
	w.Connected(noon, "", "")
	w.Share(0, noon, work.Stale, 0.5)
	s.want(t, "GET", "/api/v1/algorithms/scrypt", "", 200, `{"name":"scrypt","divider":65536,"checked":true,"miners":1,"hashrate":0,"accepted":0,"rejected":{"stale":1},"work":0}`)

	f := func(body, text string) {
		t.Helper()
		for _, method := range []string{"POST", "PUT"} {
			s.want(t, method, "/api/v1/algorithms", body, 400, `{"error":"`+text+`"}`)
		}
	}
	f(`{"name":"y","divider":0}`, `divider 0 of algorithm y: expected a number above 0, such as 1 for sha256d or 65536 for scrypt`)
	f(`{"name":"y"}`, `divider 0 of algorithm y: expected a number above 0, such as 1 for sha256d or 65536 for scrypt`)
	f(`{"divider":1}`, `algorithm name \"\": expected 1 to 32 letters, digits and . _ / + -, such as \"sha256d\"`)
	f(`{"name":"y","divider":"1"}`, `\"divider\": want a number, got string`)
	f(`{"name":"y","divisor":1}`, `\"divisor\": no such field; want {\"name\": a string, \"divider\": a number}`)
}
