// Package config owns the configuration file: the tree of keys, their defaults, and all
// checks on it at once.
//
//	agent_conf.json of BTCAgent -> converted, with comments
//	                                  |
//	file.toml -> toml -> decode over Default() -> derive -> validate -> *Config
//	                        |                                  |
//	                        +--- Problems: every one of them --+
//
// A Config is read once, complete and checked, and never changes afterwards: it is
// handed to whoever needs it. The package never keeps one in a global, never opens a
// socket, never resolves a name, and never prints a password.
package config
