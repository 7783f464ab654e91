package codec_test

import (
	"fmt"

	"farmproxy/codec"
)

// One line in, one answer out: what an event loop does with a share.
func ExampleDecoder_DecodeRequest() {
	line := []byte(`{"id":7,"method":"mining.submit","params":["farm.rig1","2a","0000001f","6553f100","deadbeef","00802000"]}`)
	decoder := codec.NewDecoder()
	var request codec.Request
	if err := decoder.DecodeRequest(line, &request); err != nil {
		fmt.Println(err)
		return
	}
	share, ok := request.Submit()
	fmt.Println(request.Method == codec.Submit, ok)
	fmt.Printf("%s found nonce %08x with version bits %08x\n", share.Worker, share.Nonce, share.VersionBits)
	fmt.Printf("%s", codec.AppendTrue(nil, &request.ID))
	// Output:
	// true true
	// farm.rig1 found nonce deadbeef with version bits 00802000
	// {"id":7,"result":true,"error":null}
}
