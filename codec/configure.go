package codec

// Extension is a code of mining.configure (BIP 310).
type Extension uint8

const (
	UnknownExtension Extension = iota
	VersionRolling
	MinimumDifficulty
	SubscribeExtranonce
	Info
)

// maxExtensions bounds the codes in one mining.configure; BIP 310 has four.
const maxExtensions = 8

// ConfigureParams are the params of mining.configure, in the miner's order. The codes
// alias the line.
type ConfigureParams struct {
	codes [maxExtensions]Raw
	N     int
	Asked [maxExtensions]Extension

	Mask              uint32  // version-rolling.mask; ffffffff if absent, as BIP 310 says
	MinimumDifficulty float64 // minimum-difficulty.value; 0 if absent
}

// Configure reads the params of mining.configure; ok is false if the first is not a
// list. min-bit-count is only a diagnostic and ignored: some send a string, some
// nothing.
func (r *Request) Configure() (p ConfigureParams, ok bool) {
	if !r.Params[0].IsArray() {
		return p, false
	}
	p.Mask = ^uint32(0)
	p.N = r.Params[0].Array(p.codes[:])
	for i := range p.N {
		code, _ := p.codes[i].String()
		switch string(code) {
		case "version-rolling":
			p.Asked[i] = VersionRolling
		case "minimum-difficulty":
			p.Asked[i] = MinimumDifficulty
		case "subscribe-extranonce":
			p.Asked[i] = SubscribeExtranonce
		case "info":
			p.Asked[i] = Info
		}
	}
	r.Params[1].Members(func(key []byte, value Raw) bool {
		switch string(key) {
		case "version-rolling.mask":
			if mask, ok := value.hexUint32(); ok {
				p.Mask = mask
			}
		case "minimum-difficulty.value":
			if d, ok := value.Float(); ok && d >= 0 {
				p.MinimumDifficulty = d
			}
		}
		return true
	})
	return p, true
}

// Refuse refuses the code with index i.
func (p *ConfigureParams) Refuse(i int) { p.Asked[i] = UnknownExtension }

// AppendConfigured appends the answer to mining.configure: exactly the codes that were
// asked for, plus the mask with version rolling, and nothing else: WhatsMiner drops
// the connection over one extra key. mask 0 refuses version rolling.
func AppendConfigured(dst []byte, id *ID, p *ConfigureParams, mask uint32) []byte {
	dst = AppendResultHead(dst, id)
	dst = append(dst, '{')
	for i := range p.N {
		if i > 0 {
			dst = append(dst, ',')
		}
		if !isString(p.codes[i]) {
			dst = append(dst, `"":false`...) // an object must have string keys
			continue
		}
		dst = append(dst, p.codes[i]...)
		dst = append(dst, ':')
		switch p.Asked[i] {
		case VersionRolling:
			dst = append(dst, boolText(mask != 0)...)
			if mask != 0 {
				dst = append(dst, `,"version-rolling.mask":"`...)
				dst = AppendHexUint32(dst, mask)
				dst = append(dst, '"')
			}
		case UnknownExtension:
			dst = append(dst, "false"...)
		default:
			dst = append(dst, "true"...)
		}
	}
	return append(dst, "},\"error\":null}\n"...)
}

func isString(r Raw) bool { return len(r) > 0 && r[0] == '"' }

func boolText(v bool) string {
	if v {
		return "true"
	}
	return "false"
}
