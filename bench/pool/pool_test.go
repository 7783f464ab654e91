package pool

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"farmproxy/bench/mine"
	"farmproxy/bench/proof"
)

// client speaks to a Pool line by line.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func mustDial(t *testing.T, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(wantTime))
	return &client{t, conn, bufio.NewReader(conn)}
}

func (c *client) send(line string) {
	c.t.Helper()
	if _, err := fmt.Fprintln(c.conn, line); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) line() string {
	c.t.Helper()
	line, err := c.in.ReadString('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func (c *client) want(text string) string {
	c.t.Helper()
	line := c.line()
	if !strings.Contains(line, text) {
		c.t.Fatalf("got  %s\nwant something with %s", line, text)
	}
	return line
}

func (c *client) wantEnd() {
	c.t.Helper()
	for {
		if _, err := c.in.ReadString('\n'); err != nil {
			return
		}
	}
}

// seat is what a client needs to mine: the result of the handshake.
type seat struct {
	session     string
	extranonce1 string
	size2       int
	mask        uint32
	notify      string // the line
}

// handshake runs up to the first job. session is "" or `,"id"`.
func (c *client) handshake(mask, session, user string) seat {
	c.t.Helper()
	var s seat
	if mask != "" {
		c.send(`{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"` + mask + `"}]}`)
		var reply struct{ Result map[string]any }
		mustJSON(c.t, c.want(`"version-rolling":`), &reply)
		if text, ok := reply.Result["version-rolling.mask"].(string); ok {
			s.mask, _ = proof.ParseWord(text)
		}
	}
	c.send(`{"id":2,"method":"mining.subscribe","params":["test"` + session + `]}`)
	var reply struct{ Result []any }
	mustJSON(c.t, c.want(`"mining.notify"`), &reply)
	s.session, s.extranonce1, s.size2 = mine.SessionID(reply.Result[0]), reply.Result[1].(string), int(reply.Result[2].(float64))
	c.send(`{"id":3,"method":"mining.authorize","params":["` + user + `","x"]}`)
	c.want(`"result":true`)
	c.want(`mining.set_difficulty`)
	s.notify = c.want(`mining.notify`)
	return s
}

// mustMine finds a share of at least that difficulty for the seat's job, and returns
// the params of its submit.
func (s seat) mustMine(t *testing.T, difficulty float64, counter uint64) []string {
	t.Helper()
	job, _, err := mine.ReadJob([]byte(s.notify))
	if err != nil {
		t.Fatal(err)
	}
	extranonce1, _ := hex.DecodeString(s.extranonce1)
	a := mine.Attempt{
		Extranonce1: extranonce1, Extranonce2: mine.AppendCounter(nil, counter, s.size2),
		NTime: job.NTime, Mask: s.mask, Bits: 0x00002000 & s.mask,
	}
	if _, ok := job.Search(proof.SHA256d, &a, mine.NewLimit(difficulty)); !ok {
		t.Fatal("found no share")
	}
	params := []string{"farm.rig1", strings.Trim(job.ID, `"`), hex.EncodeToString(a.Extranonce2), fmt.Sprintf("%08x", a.NTime), fmt.Sprintf("%08x", a.Nonce)}
	if s.mask != 0 {
		params = append(params, fmt.Sprintf("%08x", a.Bits))
	}
	return params
}

// mustMiss returns the first of the shares that misses the difficulty: by luck some of
// those that should miss it do not.
func (s seat) mustMiss(t *testing.T, difficulty float64, share func(counter uint64) []string) []string {
	t.Helper()
	for counter := uint64(1000); ; counter++ {
		if params := share(counter); s.difficulty(t, params) < difficulty {
			return params
		}
	}
}

// difficulty returns that of the header described by the params of a submit.
func (s seat) difficulty(t *testing.T, params []string) float64 {
	t.Helper()
	text, _ := json.Marshal(params)
	c, refused := new(desk).claim(text)
	if refused != nil {
		t.Fatal(refused)
	}
	return s.claimDifficulty(t, c)
}

// claimDifficulty returns that of the header described by a claim for the seat's job.
func (s seat) claimDifficulty(t *testing.T, c claim) float64 {
	t.Helper()
	var m message
	mustJSON(t, s.notify, &m)
	j, err := proof.NewJob(string(m.Params))
	if err != nil {
		t.Fatal(err)
	}
	extranonce1, _ := hex.DecodeString(s.extranonce1)
	if c.ntime == 0 {
		c.ntime = j.NTime
	}
	r := rules{job: j, extranonce1: extranonce1, rolling: s.mask != 0, mask: s.mask}
	return proof.Hash(proof.DoubleSHA256(r.header(nil, c))).Difficulty()
}

// wantVerdict submits and checks the verdict.
func (c *client) wantVerdict(params []string, want string) {
	c.t.Helper()
	text, _ := json.Marshal(params)
	c.send(`{"id":9,"method":"mining.submit","params":` + string(text) + `}`)
	c.want(want)
}

// recorded is a share from a real session.
type recorded struct {
	Name            string
	Kind            string
	Extranonce1     string
	Extranonce2Size int             `json:"extranonce2_size"`
	VersionMask     string          `json:"version_mask"`
	NotifyParams    json.RawMessage `json:"notify_params"`
	SubmitParams    []string        `json:"submit_params"`
	Difficulty      float64
	Required        float64 `json:"share_difficulty_in_force"`
	Hash            string
	Meets           bool
}

func mustRecorded(t *testing.T) []recorded {
	t.Helper()
	text, err := os.ReadFile("testdata/shares.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Shares []recorded }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Shares
}

func TestPoolJudgesRecordedShares(t *testing.T) {
	for _, r := range mustRecorded(t) {
		t.Run(r.Name, func(t *testing.T) {
			submits := make(chan Submit, 1)
			p := mustPool(t, func(o *Options) {
				o.Extranonce1, _ = hex.DecodeString(r.Extranonce1)
				o.Extranonce2Size = r.Extranonce2Size
				o.FirstJob = string(r.NotifyParams)
				o.Difficulty = max(r.Required, proof.EasyDifficulty)
				o.Mask = 0
				fmt.Sscanf(r.VersionMask, "%08x", &o.Mask)
				o.OnSubmit = func(s Submit) { submits <- s }
			})
			c := mustDial(t, p.Addr())
			c.handshake(r.VersionMask, "", r.SubmitParams[0])
			params, _ := json.Marshal(r.SubmitParams)
			c.send(`{"id":4,"method":"mining.submit","params":` + string(params) + `}`)
			s := <-submits
			if s.Hash.String() != r.Hash {
				t.Errorf("hash %s, want %s", s.Hash, r.Hash)
			}
			if d := s.Hash.Difficulty(); d < r.Difficulty*0.95 || d > r.Difficulty*1.05 {
				t.Errorf("difficulty %v, want %v", d, r.Difficulty)
			}
			if !r.Meets {
				c.want(`"error":[23,"Low difficulty share",null]`)
				return
			}
			c.want(`{"id":4,"result":true,"error":null}`)
			c.send(`{"id":5,"method":"mining.submit","params":` + string(params) + `}`)
			c.want(`"error":[22,"Duplicate share",null]`)
		})
	}
}
