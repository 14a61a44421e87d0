// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache/request"
)

// lab sends requests through a balancer as httpd's proxy does. Members whose
// name begins with X or Y refuse connections.
type lab struct {
	*Balancer
	now     time.Time
	refused int
}

func newLab(t testing.TB, o Options, members ...Member) *lab {
	t.Helper()
	l := &lab{now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	o.Now = func() time.Time { return l.now }
	var err error
	if l.Balancer, err = New("balancer://b", members, o); err != nil {
		t.Fatal(err)
	}
	return l
}

// send returns who answers, or 503. The status and the bytes are those of an
// answer.
func (l *lab) send(r *request.Request, status int, bytes int64) string {
	var tried []*State
	for {
		s := l.Choose(r, tried)
		if s == nil {
			return "503"
		}
		if name := s.Member().Name; name[0] != 'X' && name[0] != 'Y' {
			s.Done(status, bytes)
			return name
		}
		l.refused++
		s.Failed()
		l.now = l.now.Add(time.Microsecond)
		tried = append(tried, s)
	}
}

func get(url, cookie string) *request.Request {
	r := &request.Request{Header: http.Header{}}
	r.URI, r.Query, _ = strings.Cut(url, "?")
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	return r
}

func number(n int) *int { return &n }

// TestOrder has what httpd 2.4.71 answered to requests without a session, one
// after the other.
func TestOrder(t *testing.T) {
	a, b, c, x, y := Member{Name: "A"}, Member{Name: "B"}, Member{Name: "C"}, Member{Name: "X"}, Member{Name: "Y"}
	with := func(m Member, change func(*Member)) Member {
		change(&m)
		return m
	}
	factor := func(m Member, f float64) Member { m.LoadFactor = f; return m }
	set := func(m Member, n int) Member { m.Set = n; return m }
	standby := with(c, func(m *Member) { m.Standby = true })
	spare := with(c, func(m *Member) { m.Spare = true })

	for _, tc := range []struct {
		name    string
		options Options
		members []Member
		want    string
		refused int // connections
	}{
		{"lab case E20", Options{}, []Member{a, factor(b, 3)}, "B A B B B A B B B A B B", 0},
		{"three factors", Options{}, []Member{a, factor(b, 2), factor(c, 1.5)}, "B C A B C B A C B B C A B C B A C B", 0},
		{"standby", Options{}, []Member{a, b, standby}, "A B A B A", 0},
		{"standby alone", Options{}, []Member{x, standby}, "C C C C", 1},
		{"spare for a disabled one", Options{}, []Member{a, with(b, func(m *Member) { m.Disabled = true }), spare}, "A C A C A C", 0},
		{"spare for nobody", Options{}, []Member{a, b, spare}, "A B A B A", 0},
		{"stopped", Options{}, []Member{a, with(b, func(m *Member) { m.Stopped = true })}, "A A", 0},
		{"draining", Options{}, []Member{a, with(b, func(m *Member) { m.Draining = true })}, "A A A", 0},
		{"sets", Options{}, []Member{set(a, 1), x, set(b, 1)}, "A B A B", 1},
		{"recovery of one", Options{}, []Member{x}, "503 503 503", 3},
		{"recovery of two", Options{}, []Member{x, y}, "503 503 503", 6},
		{"one disabled: no recovery", Options{}, []Member{x, with(a, func(m *Member) { m.Disabled = true })}, "503 503 503", 1},
		{"forcerecovery=off", Options{NoRecovery: true}, []Member{x}, "503 503 503", 1},
		{"status=+I", Options{}, []Member{with(x, func(m *Member) { m.IgnoreErrors = true }), a}, "503 A 503 A", 2},
		{"maxattempts=0", Options{MaxAttempts: number(0)}, []Member{x, a}, "503 A A A", 1},
		{"retry=1", Options{}, []Member{with(x, func(m *Member) { m.Retry = time.Second }), a}, "A A .. A A", 2},
		{"retry=0", Options{}, []Member{with(x, func(m *Member) { m.Retry = -1 }), a}, "A A A A", 4},
		{"bybusyness", Options{Method: "bybusyness"}, []Member{a, factor(b, 3), c}, "B A B C B B A B C B", 0},
		{"no members", Options{}, nil, "503", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, tc.options, tc.members...)
			want := strings.Fields(tc.want)
			got := make([]string, len(want))
			for i, w := range want {
				l.now = l.now.Add(time.Millisecond)
				if w == ".." {
					got[i] = w
					l.now = l.now.Add(1500 * time.Millisecond)
					continue
				}
				got[i] = l.send(get("/", ""), 200, 1)
			}
			if strings.Join(got, " ") != tc.want || l.refused != tc.refused {
				t.Errorf("got %v with %d refused connections; want %s with %d", got, l.refused, tc.want, tc.refused)
			}
		})
	}
}

// TestAnswers is about what the members' answers change; httpd 2.4.71 again.
func TestAnswers(t *testing.T) {
	t.Run("bytraffic", func(t *testing.T) {
		l := newLab(t, Options{Method: "bytraffic"}, Member{Name: "A"}, Member{Name: "B"})
		got := l.send(get("/", ""), 200, 100000)
		for range 5 {
			got += l.send(get("/", ""), 200, 10)
		}
		if got != "ABBBBB" {
			t.Error(got)
		}
	})
	t.Run("failonstatus", func(t *testing.T) {
		l := newLab(t, Options{FailOnStatus: []int{500, 503}}, Member{Name: "A"}, Member{Name: "B"})
		got := l.send(get("/", ""), 500, 1)
		for range 3 {
			got += l.send(get("/", ""), 200, 1)
		}
		if got != "ABBB" {
			t.Error(got)
		}
	})
	for _, tc := range []struct {
		on   bool
		want string
	}{{false, "ABA"}, {true, "ABB"}} {
		l := newLab(t, Options{FailOnTimeout: tc.on}, Member{Name: "A"}, Member{Name: "B"})
		s := l.Choose(get("/", ""), nil)
		s.TimedOut()
		got := s.Member().Name + l.send(get("/", ""), 200, 1) + l.send(get("/", ""), 200, 1)
		if got != tc.want {
			t.Errorf("failontimeout %v: %s, want %s", tc.on, got, tc.want)
		}
	}
}

// TestBusyness is about choices that have not ended.
func TestBusyness(t *testing.T) {
	l := newLab(t, Options{Method: "bybusyness"}, Member{Name: "A"}, Member{Name: "B"}, Member{Name: "C"})
	first := l.Choose(get("/", ""), nil)
	l.Choose(get("/", ""), nil)
	l.Choose(get("/", ""), nil)
	first.Done(200, 1)
	if s := l.Choose(get("/", ""), nil); s != first {
		t.Errorf("%s was chosen, and %s is the only one that carries nothing", s.Member().Name, first.Member().Name)
	}

	carried := map[string]int{"A": 5, "B": 2}
	member := func(name string) Member {
		return Member{Name: name, Tunnels: func() int { return carried[name] }}
	}
	l = newLab(t, Options{Method: "bybusyness"}, member("A"), member("B"))
	for range 3 {
		if got := l.Choose(get("/", ""), nil).Member().Name; got != "B" {
			t.Errorf("%s was chosen, with %v", got, carried)
		}
	}
}

func TestRefusedOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"unknown lbmethod": {Method: "byluck"},
		"heartbeat needs":  {Method: "heartbeat"},
		"stickysessionsep": {Separator: ".."},
		"maxattempts":      {MaxAttempts: number(-1)},
	} {
		if _, err := New("balancer://b", nil, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error with %q", o, err, want)
		}
	}
	for want, m := range map[string]Member{
		"loadfactor": {Name: "A", LoadFactor: 0.5},
		"not 101":    {Name: "A", LoadFactor: 101},
		"lbset":      {Name: "A", Set: 100},
	} {
		if _, err := New("balancer://b", []Member{m}, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error with %q", m, err, want)
		}
	}
}

// TestTogether makes choices at the same time. However they come, each member
// gets its share exactly, nothing stays busy, and nobody is owed anything.
func TestTogether(t *testing.T) {
	t.Parallel()
	const users, each = 8, 300
	for _, method := range []string{"byrequests", "bybusyness", "bytraffic"} {
		b, err := New("balancer://b", []Member{
			{Name: "A", Route: "a"}, {Name: "B", Route: "b", LoadFactor: 2}, {Name: "C", Route: "c", LoadFactor: 3},
		}, Options{Method: method, Sticky: "S"})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		chosen := map[string]int{}
		var all sync.WaitGroup
		for range users {
			all.Go(func() {
				for range each {
					s := b.Choose(get("/", ""), nil)
					mu.Lock()
					chosen[s.Member().Name]++
					mu.Unlock()
					s.Done(200, 1)
				}
			})
		}
		all.Wait()
		if method == "byrequests" && (chosen["A"] != users*each/6 || chosen["B"] != users*each/3 || chosen["C"] != users*each/2) {
			t.Errorf("%v is not 1:2:3", chosen)
		}
		sum := 0
		for _, s := range b.members {
			sum += s.status
			if s.busy != 0 {
				t.Errorf("%s: %s has %d choices that have not ended", method, s.member.Name, s.busy)
			}
		}
		if method != "bytraffic" && sum != 0 {
			t.Errorf("%s: the sum of all turns is %d", method, sum)
		}
	}
}

func BenchmarkChoose(b *testing.B) {
	for _, size := range []int{2, 10, 100} {
		members := make([]Member, size)
		for i := range members {
			members[i] = Member{Name: fmt.Sprintf("http://127.0.0.1:%d", i+1), Route: fmt.Sprint(i)}
		}
		for _, cookie := range []string{"", "a=1; S=x.1"} {
			b.Run(fmt.Sprintf("%d/cookie=%v", size, cookie != ""), func(b *testing.B) {
				l := newLab(b, Options{Sticky: "S"}, members...)
				r := get("/a/path", cookie)
				b.ReportAllocs()
				for b.Loop() {
					l.Choose(r, nil).Done(200, 1)
				}
			})
		}
	}
}
