package proxy

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	benchpool "farmproxy/bench/pool"
	"farmproxy/config"
	"farmproxy/upstream"
)

// recorded is a share of work/testdata/stratum.json.
type recorded struct {
	Name        string
	Kind        string
	Extranonce1 string
	Size        int             `json:"extranonce2_size"`
	Mask        *string         `json:"version_mask"`
	Notify      json.RawMessage `json:"notify_params"`
	Submit      []string        `json:"submit_params"`
	Difficulty  *float64        `json:"share_difficulty_in_force"`
	Expected    struct{ Hash string }
}

func recordedShares(t *testing.T) (shares []recorded) {
	t.Helper()
	data, err := os.ReadFile("../work/testdata/stratum.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []recorded `json:"stratum_v1"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		if v.Kind == "share" {
			shares = append(shares, v)
		}
	}
	if len(shares) < 5 {
		t.Fatalf("%d recorded shares", len(shares))
	}
	return shares
}

// replay puts the proxy between the recorded pool and the recorded miner. The allocator
// begins with the prefix at the start of the miner's extranonce2.
func replay(t *testing.T, v recorded) (pool *benchpool.Pool, m *miner, submits chan benchpool.Submit) {
	t.Helper()
	submits = make(chan benchpool.Submit, 16)
	extranonce2, err := hex.DecodeString(v.Submit[2])
	if err != nil || v.Size != 4 {
		t.Fatalf("extranonce2 %s, size %d", v.Submit[2], v.Size)
	}
	extranonce1, err := hex.DecodeString(v.Extranonce1)
	if err != nil {
		t.Fatal(err)
	}
	pool = startPool(t, func(o *benchpool.Options) {
		o.Extranonce1 = extranonce1
		o.Extranonce2Size = v.Size
		o.Difficulty = *v.Difficulty
		if v.Mask == nil {
			o.Mask = 0 // a pool from before BIP 310
		}
		o.FirstJob = string(v.Notify)
		o.OnSubmit = func(s benchpool.Submit) { submits <- s }
	})
	_, address := startProxy(t, func(c *config.Config) { c.Pools[0].User = v.Submit[0] }, func(o *upstream.DirectoryOptions) {
		o.FirstPrefix = uint16(extranonce2[0])<<8 | uint16(extranonce2[1])
	}, pool)
	return pool, connect(t, address), submits
}

// want checks that the miner was sent what the pool sent, apart from the job id and
// what is folded.
func (v recorded) want(t *testing.T, m *miner) (job string) {
	t.Helper()
	subscribed, notify := m.work(v.Submit[0])
	var result []json.RawMessage
	if err := json.Unmarshal(subscribed.Result, &result); err != nil {
		t.Fatal(err)
	}
	if got, want := string(result[1]), `"`+v.Submit[2][:4]+`"`; got != want {
		t.Errorf("the miner's extranonce1 is %s, want %s", got, want)
	}
	var sent []json.RawMessage
	if err := json.Unmarshal(v.Notify, &sent); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"", "prevhash", "coinb1", "coinb2", "branches", "version", "nbits", "ntime"} {
		want := sent[i]
		switch name {
		case "":
			continue
		case "coinb1":
			want = json.RawMessage(string(want[:len(want)-1]) + v.Extranonce1 + `"`)
		case "branches":
			var list []string
			json.Unmarshal(want, &list)
			want, _ = json.Marshal(list)
		}
		if string(notify.Params[i]) != string(want) {
			t.Errorf("%s is %s, want %s", name, notify.Params[i], want)
		}
	}
	if string(notify.Params[8]) != "true" {
		t.Errorf("the first job has clean_jobs %s", notify.Params[8])
	}
	json.Unmarshal(notify.Params[0], &job)
	return job
}

// submit submits the recorded share under the proxy's job id.
func (v recorded) submit(m *miner, id int, job string) {
	params := slices.Clone(v.Submit)
	params[1], params[2] = job, v.Submit[2][4:]
	text, _ := json.Marshal(params)
	m.send(`{"id":%d,"method":"mining.submit","params":%s}`, id, text)
}

// Every recorded share goes through the proxy and reaches the pool as the recorded pool
// got it, byte for byte, with the recorded hash.
func TestRecordedSharesReachThePoolAsRecorded(t *testing.T) {
	for _, v := range recordedShares(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			_, m, submits := replay(t, v)
			job := v.want(t, m)
			v.submit(m, 5, job)
			if line, _ := m.answer(5); line != `{"id":5,"result":true,"error":null}`+"\n" {
				t.Errorf("the miner is told %s", line)
			}
			s := <-submits
			if want, _ := json.Marshal(v.Submit); s.Params != string(want) {
				t.Errorf("the pool got %s\n        want %s", s.Params, want)
			}
			if got := s.Hash.String(); got != v.Expected.Hash || s.Refused != nil {
				t.Errorf("hash %s, refused %v, want %s", got, s.Refused, v.Expected.Hash)
			}
		})
	}
}

// The recorded pool accepted one header twice, under two job ids. The proxy submits it
// once.
func TestTheRecordedDuplicateIsCaught(t *testing.T) {
	t.Parallel()
	shares := recordedShares(t)
	find := func(name string) recorded {
		return shares[slices.IndexFunc(shares, func(v recorded) bool { return v.Name == name })]
	}
	first, second := find("bitaxe_bm1397_2"), find("bitaxe_bm1397_7")
	if first.Expected.Hash != second.Expected.Hash {
		t.Fatal("they are not one header")
	}
	pool, m, submits := replay(t, first)
	job := first.want(t, m)
	first.submit(m, 5, job)
	m.answer(5)
	<-submits

	if err := pool.Notify(string(second.Notify)); err != nil {
		t.Fatal(err)
	}
	var again string
	json.Unmarshal(m.notification("mining.notify").Params[0], &again)
	if again == job {
		t.Fatal("the second job has the first one's id")
	}
	second.submit(m, 6, again)
	if line, _ := m.answer(6); line != `{"id":6,"result":null,"error":[22,"Duplicate share",null]}`+"\n" {
		t.Errorf("the miner is told %s", line)
	}
	if len(submits) != 0 {
		t.Error("the pool got it again")
	}
}
