// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// intruders finds out how much other programs disturb an experiment, in the
// processors that it uses: they make its times wander, up and down.
type intruders struct {
	cores cores
	proxy *process

	start time.Time
	used  time.Duration // by others, until the start

	allTime, allUsed time.Duration // from begin to pause, each time
}

func (b *bench) watchIntruders(p *process) *intruders { return &intruders{cores: b.cores, proxy: p} }

func (i *intruders) begin() (err error) {
	i.start = time.Now()
	i.used, err = i.others()
	return err
}

func (i *intruders) pause() error {
	used, err := i.others()
	i.allTime += time.Since(i.start)
	i.allUsed += used - i.used
	return err
}

// share is what others used, of all the time there was.
func (i *intruders) share() float64 {
	processors := 2
	if i.cores.load == i.cores.proxy {
		processors = 1
	}
	share := i.allUsed.Seconds() / i.allTime.Seconds() / float64(processors)
	return min(max(share, 0), 1)
}

// others is what neither the proxy nor this program used.
func (i *intruders) others() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("reading what processors did: %w", err)
	}
	used, err := parseProcessor(stat, i.cores.load)
	if err != nil {
		return 0, err
	}
	if i.cores.load != i.cores.proxy {
		more, err := parseProcessor(stat, i.cores.proxy)
		if err != nil {
			return 0, err
		}
		used += more
	}
	proxy, err := i.proxy.cpu()
	if err != nil {
		return 0, err
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return 0, fmt.Errorf("asking for the load's own time: %w", err)
	}
	return used - proxy - time.Duration(own.Utime.Nano()+own.Stime.Nano()), nil
}
