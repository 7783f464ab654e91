//go:build !purego

#include "textflag.h"

// SHA-256 with the processor's SHA extensions: the sequence of instructions that
// Intel's manual describes for them. X1 holds the state's words a b e f, X2 those
// of c d g h; X3..X6 the sixteen words of the message that are next.

DATA ·flip<>+0(SB)/8, $0x0405060700010203
DATA ·flip<>+8(SB)/8, $0x0c0d0e0f08090a0b
GLOBL ·flip<>(SB), NOPTR|RODATA, $16

// The initial state (FIPS 180-4, 5.3.3), in the order of X1 and X2.
DATA ·initial<>+0(SB)/4, $0x9b05688c
DATA ·initial<>+4(SB)/4, $0x510e527f
DATA ·initial<>+8(SB)/4, $0xbb67ae85
DATA ·initial<>+12(SB)/4, $0x6a09e667
DATA ·initial<>+16(SB)/4, $0x5be0cd19
DATA ·initial<>+20(SB)/4, $0x1f83d9ab
DATA ·initial<>+24(SB)/4, $0xa54ff53a
DATA ·initial<>+28(SB)/4, $0x3c6ef372
GLOBL ·initial<>(SB), NOPTR|RODATA, $32

// load reads four words of the message.
#define load(at, m) \
	MOVOU  at(SI), m; \
	PSHUFB X8, m

// rounds makes four of the 64 rounds with the words in m; k is where their
// constants are. X0 is an operand of SHA256RNDS2 that is not written.
#define rounds(m, k) \
	MOVOU       k(AX), X0; \
	PADDL       m, X0; \
	SHA256RNDS2 X0, X1, X2; \
	PSHUFL      $0x0e, X0, X0; \
	SHA256RNDS2 X0, X2, X1

// next makes the message's words after those in m, in place of the oldest ones,
// in e. d holds those before m.
#define next(m, d, e) \
	MOVO       m, X7; \
	PALIGNR    $4, d, X7; \
	PADDL      X7, e; \
	SHA256MSG2 m, e

// func hashPadded(out *[32]byte, message *byte, blocks int)
TEXT ·hashPadded(SB), NOSPLIT, $0-24
	MOVQ out+0(FP), DI
	MOVQ message+8(FP), SI
	MOVQ blocks+16(FP), DX
	LEAQ ·constants(SB), AX
	MOVOU ·flip<>(SB), X8
	MOVOU ·initial<>+0(SB), X1
	MOVOU ·initial<>+16(SB), X2

block:
	MOVO X1, X9
	MOVO X2, X10

	load(0, X3)
	rounds(X3, 0)
	load(16, X4)
	rounds(X4, 16)
	SHA256MSG1 X4, X3
	load(32, X5)
	rounds(X5, 32)
	SHA256MSG1 X5, X4
	load(48, X6)

	next(X6, X5, X3)
	rounds(X6, 48)
	SHA256MSG1 X6, X5
	next(X3, X6, X4)
	rounds(X3, 64)
	SHA256MSG1 X3, X6
	next(X4, X3, X5)
	rounds(X4, 80)
	SHA256MSG1 X4, X3
	next(X5, X4, X6)
	rounds(X5, 96)
	SHA256MSG1 X5, X4

	next(X6, X5, X3)
	rounds(X6, 112)
	SHA256MSG1 X6, X5
	next(X3, X6, X4)
	rounds(X3, 128)
	SHA256MSG1 X3, X6
	next(X4, X3, X5)
	rounds(X4, 144)
	SHA256MSG1 X4, X3
	next(X5, X4, X6)
	rounds(X5, 160)
	SHA256MSG1 X5, X4

	next(X6, X5, X3)
	rounds(X6, 176)
	SHA256MSG1 X6, X5
	next(X3, X6, X4)
	rounds(X3, 192)
	SHA256MSG1 X3, X6
	next(X4, X3, X5)
	rounds(X4, 208)
	next(X5, X4, X6)
	rounds(X5, 224)
	rounds(X6, 240)

	PADDL X9, X1
	PADDL X10, X2
	ADDQ  $64, SI
	DECQ  DX
	JNZ   block

	// Back to a b c d and e f g h, each word with its first byte first.
	PSHUFL  $0x1b, X1, X1
	PSHUFL  $0xb1, X2, X2
	MOVO    X1, X7
	PBLENDW $0xf0, X2, X1
	PALIGNR $8, X7, X2
	PSHUFB  X8, X1
	PSHUFB  X8, X2
	MOVOU   X1, 0(DI)
	MOVOU   X2, 16(DI)
	RET
