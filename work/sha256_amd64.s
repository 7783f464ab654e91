//go:build !purego

#include "textflag.h"

// SHA-256 with the processor's SHA extensions: the instruction sequence from Intel's
// manual. One register holds the state's words a b e f, one c d g h, and four hold the
// next sixteen words of the message: X1, X2 and X3..X6 for one message, X8, X9 and
// X10..X13 for the other.

DATA ·flip<>+0(SB)/8, $0x0405060700010203
DATA ·flip<>+8(SB)/8, $0x0c0d0e0f08090a0b
GLOBL ·flip<>(SB), NOPTR|RODATA, $16

// The initial state (FIPS 180-4, 5.3.3), in that order.
DATA ·initial<>+0(SB)/4, $0x9b05688c
DATA ·initial<>+4(SB)/4, $0x510e527f
DATA ·initial<>+8(SB)/4, $0xbb67ae85
DATA ·initial<>+12(SB)/4, $0x6a09e667
DATA ·initial<>+16(SB)/4, $0x5be0cd19
DATA ·initial<>+20(SB)/4, $0x1f83d9ab
DATA ·initial<>+24(SB)/4, $0xa54ff53a
DATA ·initial<>+28(SB)/4, $0x3c6ef372
GLOBL ·initial<>(SB), NOPTR|RODATA, $32

// The padding that fills the block of a 32-byte message: a bit, zeros, its length.
DATA ·padding<>+0(SB)/8, $0x80000000
DATA ·padding<>+8(SB)/8, $0
DATA ·padding<>+16(SB)/8, $0
DATA ·padding<>+24(SB)/8, $0x0000010000000000
GLOBL ·padding<>(SB), NOPTR|RODATA, $32

// load reads four words of the message at p.
#define load(at, p, m) \
	MOVOU  at(p), m; \
	PSHUFB X14, m

// rounds does four of the 64 rounds with the words in m; k is the offset of their
// constants.
#define rounds(m, k, abef, cdgh) \
	MOVOU k(AX), X0; \
	PADDL m, X0; \
	mix(abef, cdgh)

// mix does four rounds with the sums of words and constants in X0, which is an
// implicit operand of SHA256RNDS2.
#define mix(abef, cdgh) \
	SHA256RNDS2 X0, abef, cdgh; \
	PSHUFL      $0x0e, X0, X0; \
	SHA256RNDS2 X0, cdgh, abef

// padded does four rounds of both messages with words that they share, already added
// to the constants, at offset k in a block's.
#define padded(k) \
	MOVOU k(BX), X0; \
	MOVO  X0, X7; \
	mix(X1, X2); \
	MOVO  X7, X0; \
	mix(X8, X9)

// next computes the message's words after those in m, and replaces the oldest ones,
// in e. d holds those before m.
#define next(m, d, e) \
	MOVO       m, X7; \
	PALIGNR    $4, d, X7; \
	PADDL      X7, e; \
	SHA256MSG2 m, e

// compress does the 64 rounds of two blocks, interleaved: while the instructions of
// one stall on each other, those of the other execute.
#define compress \
	rounds(X3, 0, X1, X2); \
	rounds(X10, 0, X8, X9); \
	rounds(X4, 16, X1, X2); \
	rounds(X11, 16, X8, X9); \
	SHA256MSG1 X4, X3; \
	SHA256MSG1 X11, X10; \
	rounds(X5, 32, X1, X2); \
	rounds(X12, 32, X8, X9); \
	SHA256MSG1 X5, X4; \
	SHA256MSG1 X12, X11; \
	next(X6, X5, X3); \
	next(X13, X12, X10); \
	rounds(X6, 48, X1, X2); \
	rounds(X13, 48, X8, X9); \
	SHA256MSG1 X6, X5; \
	SHA256MSG1 X13, X12; \
	next(X3, X6, X4); \
	next(X10, X13, X11); \
	rounds(X3, 64, X1, X2); \
	rounds(X10, 64, X8, X9); \
	SHA256MSG1 X3, X6; \
	SHA256MSG1 X10, X13; \
	next(X4, X3, X5); \
	next(X11, X10, X12); \
	rounds(X4, 80, X1, X2); \
	rounds(X11, 80, X8, X9); \
	SHA256MSG1 X4, X3; \
	SHA256MSG1 X11, X10; \
	next(X5, X4, X6); \
	next(X12, X11, X13); \
	rounds(X5, 96, X1, X2); \
	rounds(X12, 96, X8, X9); \
	SHA256MSG1 X5, X4; \
	SHA256MSG1 X12, X11; \
	next(X6, X5, X3); \
	next(X13, X12, X10); \
	rounds(X6, 112, X1, X2); \
	rounds(X13, 112, X8, X9); \
	SHA256MSG1 X6, X5; \
	SHA256MSG1 X13, X12; \
	next(X3, X6, X4); \
	next(X10, X13, X11); \
	rounds(X3, 128, X1, X2); \
	rounds(X10, 128, X8, X9); \
	SHA256MSG1 X3, X6; \
	SHA256MSG1 X10, X13; \
	next(X4, X3, X5); \
	next(X11, X10, X12); \
	rounds(X4, 144, X1, X2); \
	rounds(X11, 144, X8, X9); \
	SHA256MSG1 X4, X3; \
	SHA256MSG1 X11, X10; \
	next(X5, X4, X6); \
	next(X12, X11, X13); \
	rounds(X5, 160, X1, X2); \
	rounds(X12, 160, X8, X9); \
	SHA256MSG1 X5, X4; \
	SHA256MSG1 X12, X11; \
	next(X6, X5, X3); \
	next(X13, X12, X10); \
	rounds(X6, 176, X1, X2); \
	rounds(X13, 176, X8, X9); \
	SHA256MSG1 X6, X5; \
	SHA256MSG1 X13, X12; \
	next(X3, X6, X4); \
	next(X10, X13, X11); \
	rounds(X3, 192, X1, X2); \
	rounds(X10, 192, X8, X9); \
	SHA256MSG1 X3, X6; \
	SHA256MSG1 X10, X13; \
	next(X4, X3, X5); \
	next(X11, X10, X12); \
	rounds(X4, 208, X1, X2); \
	rounds(X11, 208, X8, X9); \
	next(X5, X4, X6); \
	next(X12, X11, X13); \
	rounds(X5, 224, X1, X2); \
	rounds(X12, 224, X8, X9); \
	rounds(X6, 240, X1, X2); \
	rounds(X13, 240, X8, X9)

// begin sets both states to the initial state.
#define begin \
	MOVOU ·initial<>+0(SB), X1; \
	MOVOU ·initial<>+16(SB), X2; \
	MOVO  X1, X8; \
	MOVO  X2, X9

// begun adds the initial state to both.
#define begun \
	MOVOU ·initial<>+0(SB), X0; \
	MOVOU ·initial<>+16(SB), X7; \
	PADDL X0, X1; \
	PADDL X7, X2; \
	PADDL X0, X8; \
	PADDL X7, X9

// keep saves both states, kept adds the saved ones.
#define keep \
	MOVOU X1, 0(SP); \
	MOVOU X2, 16(SP); \
	MOVOU X8, 32(SP); \
	MOVOU X9, 48(SP)
#define kept \
	MOVOU 0(SP), X0; \
	MOVOU 16(SP), X7; \
	PADDL X0, X1; \
	PADDL X7, X2; \
	MOVOU 32(SP), X0; \
	MOVOU 48(SP), X7; \
	PADDL X0, X8; \
	PADDL X7, X9

// order rearranges a state into its words a b c d and e f g h.
#define order(abef, cdgh) \
	PSHUFL  $0x1b, abef, abef; \
	PSHUFL  $0xb1, cdgh, cdgh; \
	MOVO    abef, X7; \
	PBLENDW $0xf0, cdgh, abef; \
	PALIGNR $8, X7, cdgh

// store writes an ordered state, each word big-endian.
#define store(abcd, efgh, p) \
	PSHUFB X14, abcd; \
	PSHUFB X14, efgh; \
	MOVOU  abcd, 0(p); \
	MOVOU  efgh, 16(p)

// func hashPadded(out, out2 *[32]byte, message, message2 *byte, blocks int)
TEXT ·hashPadded(SB), NOSPLIT, $64-40
	MOVQ  out+0(FP), DI
	MOVQ  out2+8(FP), R9
	MOVQ  message+16(FP), SI
	MOVQ  message2+24(FP), R8
	MOVQ  blocks+32(FP), DX
	LEAQ  ·constants(SB), AX
	MOVOU ·flip<>(SB), X14
	begin

block:
	keep
	load(0, SI, X3)
	load(16, SI, X4)
	load(32, SI, X5)
	load(48, SI, X6)
	load(0, R8, X10)
	load(16, R8, X11)
	load(32, R8, X12)
	load(48, R8, X13)
	compress
	kept
	ADDQ $64, SI
	ADDQ $64, R8
	DECQ DX
	JNZ  block

	order(X1, X2)
	order(X8, X9)
	store(X1, X2, DI)
	store(X8, X9, R9)
	RET

// func foldBranches(root, root2, branches, branches2 *[32]byte, n int)
TEXT ·foldBranches(SB), NOSPLIT, $64-40
	MOVQ  root+0(FP), DI
	MOVQ  root2+8(FP), R9
	MOVQ  branches+16(FP), SI
	MOVQ  branches2+24(FP), R8
	MOVQ  n+32(FP), DX
	LEAQ  ·constants(SB), AX
	LEAQ  ·paddingBlock(SB), BX
	MOVOU ·flip<>(SB), X14
	load(0, DI, X3)
	load(16, DI, X4)
	load(0, R9, X10)
	load(16, R9, X11)

branch:
	// The 64 bytes of root and branch, ...
	load(0, SI, X5)
	load(16, SI, X6)
	load(0, R8, X12)
	load(16, R8, X13)
	begin
	compress
	begun

	// ... the block of their padding, which is always the same, ...
	keep
	padded(0)
	padded(16)
	padded(32)
	padded(48)
	padded(64)
	padded(80)
	padded(96)
	padded(112)
	padded(128)
	padded(144)
	padded(160)
	padded(176)
	padded(192)
	padded(208)
	padded(224)
	padded(240)
	kept

	// ... and the 32 bytes that result.
	order(X1, X2)
	order(X8, X9)
	MOVO  X1, X3
	MOVO  X2, X4
	MOVO  X8, X10
	MOVO  X9, X11
	MOVOU ·padding<>+0(SB), X5
	MOVOU ·padding<>+16(SB), X6
	MOVO  X5, X12
	MOVO  X6, X13
	begin
	compress
	begun
	order(X1, X2)
	order(X8, X9)
	MOVO X1, X3
	MOVO X2, X4
	MOVO X8, X10
	MOVO X9, X11

	ADDQ $32, SI
	ADDQ $32, R8
	DECQ DX
	JNZ  branch

	store(X3, X4, DI)
	store(X10, X11, R9)
	RET
