package proof

import (
	"encoding/hex"
	"testing"
)

// TestScryptOfARealBlock checks Litecoin's first block against the proof-of-work hash
// that explorers show.
func TestScryptOfARealBlock(t *testing.T) {
	header, err := hex.DecodeString("01000000" + "0000000000000000000000000000000000000000000000000000000000000000" +
		"d9ced4ed1130f7b7faad9be25323ffafa33232a17c3edf6cfd97bee6bafbdd97" + "b9aa8e4ef0ff0f1ecd513f7c")
	if err != nil {
		t.Fatal(err)
	}
	const want = "0000050c34a64b415b6b15b37f2216634b5b1669cb9a2e38d76f7213b0671e00"
	if got := Scrypt.Hash(header).String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
