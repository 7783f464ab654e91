package work

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// vector is one recorded share of testdata/stratum.json, and values recomputed from it
// with other software.
type vector struct {
	Name        string
	Kind        string
	Extranonce1 string
	Size        int               `json:"extranonce2_size"`
	Mask        *string           `json:"version_mask"`
	Notify      []json.RawMessage `json:"notify_params"`
	Submit      []string          `json:"submit_params"`
	Difficulty  *float64          `json:"share_difficulty_in_force"`
	Expected    struct {
		Coinbase  string  `json:"coinbase_tx"`
		Header    string  `json:"header"`
		Hash      string  `json:"hash"`
		Value     float64 `json:"difficulty"`
		IsBlock   bool    `json:"meets_network_target"`
		MeetsInit *bool   `json:"meets_share_difficulty"`
	}
}

func vectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/stratum.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []vector `json:"stratum_v1"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 6 {
		t.Fatalf("%d vectors, want all of the recorded ones", len(file.Vectors))
	}
	return file.Vectors
}

func mustHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustUint32(t testing.TB, s string) uint32 {
	t.Helper()
	return binary.BigEndian.Uint32(mustHex(t, s))
}

func (v *vector) template(t testing.TB) Template {
	t.Helper()
	text := func(i int) (s string) {
		if err := json.Unmarshal(v.Notify[i], &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	var branches []string
	if err := json.Unmarshal(v.Notify[4], &branches); err != nil {
		t.Fatal(err)
	}
	tmpl := Template{
		Coinb1:  mustHex(t, text(2)),
		Coinb2:  mustHex(t, text(3)),
		Version: mustUint32(t, text(5)),
		NBits:   mustUint32(t, text(6)),
		NTime:   mustUint32(t, text(7)),
	}
	copy(tmpl.PrevHash[:], mustHex(t, text(1)))
	for w := 0; w < 32; w += 4 {
		slices.Reverse(tmpl.PrevHash[w : w+4])
	}
	for _, b := range branches {
		tmpl.Branches = append(tmpl.Branches, [32]byte(mustHex(t, b)))
	}
	return tmpl
}

// solution splits the pool's extranonce2 of the recorded share as the layout does; ok
// is false if bytes that should be zero are not.
func (v *vector) solution(t testing.TB, l Layout, xor bool) (s Solution, ok bool) {
	t.Helper()
	extranonce2 := mustHex(t, v.Submit[2])
	for _, b := range extranonce2[:l.Lead] {
		if b != 0 {
			return s, false
		}
	}
	s.Prefix = binary.BigEndian.Uint16(extranonce2[l.Lead:])
	s.SetExtranonce2(extranonce2[l.Lead+2:]...)
	s.NTime, s.Nonce = mustUint32(t, v.Submit[3]), mustUint32(t, v.Submit[4])
	job := v.template(t).Version
	s.Version = job
	if len(v.Submit) > 5 {
		bits := mustUint32(t, v.Submit[5])
		if s.Version = RollVersion(job, mustUint32(t, *v.Mask), bits); xor {
			s.Version = job ^ bits // btcpool's rule
		}
	}
	return s, true
}

func TestEveryRecordedShareHashesAsRecorded(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			// The bytes before the prefix are part of extranonce1, so that the
			// recorded extranonce2 fits any layout.
			layout, _ := NewLayout(v.Size, 2)
			v.Extranonce1, v.Submit[2], layout.Lead = v.Extranonce1+v.Submit[2][:2*layout.Lead], v.Submit[2][2*layout.Lead:], 0
			job := NewJob(v.template(t), mustHex(t, v.Extranonce1), layout)
			s, ok := v.solution(t, layout, v.Name == "btcpool_checkshare_header")
			if !ok {
				t.Fatal("the share does not fit the layout")
			}
			var c Checker
			if got := hex.EncodeToString(c.Header(job, &s)[:]); got != v.Expected.Header {
				t.Errorf("header\n got %s\nwant %s", got, v.Expected.Header)
			}
			if got := hex.EncodeToString(s.appendCoinbase(nil, job)); got != v.Expected.Coinbase {
				t.Errorf("coinbase\n got %s\nwant %s", got, v.Expected.Coinbase)
			}
			hash := c.Hash(job, &s)
			shown := slices.Clone(hash[:])
			slices.Reverse(shown)
			if got := hex.EncodeToString(shown); got != v.Expected.Hash {
				t.Errorf("hash\n got %s\nwant %s", got, v.Expected.Hash)
			}
			met := Difficulty(&hash)
			if math.Abs(met-v.Expected.Value) > 1e-9*math.Max(1, v.Expected.Value) {
				t.Errorf("difficulty %v, want %v", met, v.Expected.Value)
			}
			if got := met >= job.Network; got != v.Expected.IsBlock {
				t.Errorf("is a block: %v (network difficulty %v), want %v", got, job.Network, v.Expected.IsBlock)
			}
			if v.Difficulty != nil && (met >= *v.Difficulty) != *v.Expected.MeetsInit {
				t.Errorf("meets difficulty %v: %v", *v.Difficulty, met >= *v.Difficulty)
			}
		})
	}
}

func TestFoldingChangesNoByteOfTheCoinbase(t *testing.T) {
	v := vectors(t)[0]
	layout, ok := NewLayout(v.Size, 2)
	if !ok || layout != (Layout{Lead: 0, Prefix: 2, Room: 2}) {
		t.Fatalf("layout %+v, %v", layout, ok)
	}
	s, _ := v.solution(t, layout, false)
	if s.Prefix != 0xf50e || s.Size != 2 || s.Extranonce2 != [4]byte{} {
		t.Fatalf("%+v", s)
	}
	job := NewJob(v.template(t), mustHex(t, v.Extranonce1), layout)
	if got := hex.EncodeToString(s.appendCoinbase(nil, job)); got != v.Expected.Coinbase {
		t.Errorf("got %s\nwant %s", got, v.Expected.Coinbase)
	}
	if got := layout.Extranonce2(nil, &s); hex.EncodeToString(got) != v.Submit[2] {
		t.Errorf("the pool would get extranonce2 %x, want %s", got, v.Submit[2])
	}
}
