// Package judge compares books: what the miners were told with what the pools recorded,
// share by share; and what honest miners experienced beside attackers with what they
// are promised.
//
// It owns the promises, the excuses and the kinds of breaches. It sees only what
// pool, fleet and attack have booked.
package judge
