// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "runtime"

// takeTurns runs what is to be compared in small pieces, one piece of one after one of
// another, until all are done: what the machine does to one it does to the others. The
// speed of a virtual machine may change by half from one second to another.
//
// Each is given a function to call between two pieces, which returns when it is its turn
// again.
func takeTurns(all []func(pass func())) {
	type player struct{ turn, over chan bool } // over: whether it has a further turn
	var players []player
	for _, play := range all {
		p := player{make(chan bool), make(chan bool)}
		players = append(players, p)
		go func() {
			runtime.LockOSThread() // it starts a program, which dies with its thread
			<-p.turn
			play(func() { p.over <- true; <-p.turn })
			p.over <- false
		}()
	}
	for len(players) > 0 {
		var further []player
		for _, p := range players {
			p.turn <- true
			if <-p.over {
				further = append(further, p)
			}
		}
		players = further
	}
}
