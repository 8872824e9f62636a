package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The page of a request that waits hears of its answer by server-sent events (HTML, 9.2). Without a script it reads
// itself again.

// eventsPath follows the path of a request's page.
const eventsPath = "/events"

// Bounds of those who listen. A page that finds no room reads itself again later.
const (
	maxStreams  = 64              // at once: a quarter of the connections of the pages
	ownStreams  = 4               // of one device
	streamFor   = 5 * time.Minute // then the browser comes again by itself
	comeAgainIn = 15              // seconds, for whom there is no room
)

// streams are those who listen now.
type streams struct {
	mu      sync.Mutex
	of      map[string]int
	all     int
	refused uint64
	over    chan struct{} // closed at the end of the server
	ended   sync.Once
}

func newStreams() *streams { return &streams{of: map[string]int{}, over: make(chan struct{})} }

// end ends all of them.
func (s *streams) end() { s.ended.Do(func() { close(s.over) }) }

// enter counts one more of a device, and gives what counts it out again; false if there is no room.
func (s *streams) enter(device string) (leave func(), room bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= maxStreams || s.of[device] >= ownStreams {
		s.refused++
		return nil, false
	}
	s.all++
	s.of[device]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.of[device]--; s.of[device] == 0 {
			delete(s.of, device)
		}
	}, true
}

// listens answers who asks for the events of a request, and says whether somebody did.
func (p *Portal) listens(w http.ResponseWriter, r *http.Request, host asked) bool {
	id, events, is := requestOf(r.URL.Path)
	if !is || !events || p.desk == nil || !slices.Equal(host.name, p.ask) {
		return false
	}
	v := p.visit(r, host)
	request, theirs := p.desk.RequestOf(v.client, id)
	if !theirs {
		w.WriteHeader(http.StatusNotFound)
		return true
	}
	leave, room := p.streams.enter(viewer(v.client, v.addr))
	if !room {
		w.Header().Set("Retry-After", fmt.Sprint(comeAgainIn))
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	defer leave()
	ctx, cancel := context.WithTimeout(r.Context(), streamFor)
	defer cancel()
	go func() {
		select {
		case <-p.streams.over:
			cancel()
		case <-ctx.Done():
		}
	}()
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{})                        // the limits of a page are too short for it
	_ = out.SetWriteDeadline(time.Now().Add(streamFor + drain)) // of the wall: the kernel's clock
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	for now, err := range p.desk.WatchRequest(ctx, request.Household, id) {
		if err != nil {
			break // it is gone
		}
		if _, err := fmt.Fprintf(w, "retry: 3000\nevent: status\ndata: %s\n\n", now.Status); err != nil || out.Flush() != nil {
			break
		}
	}
	return true
}

var (
	descStreams = prometheus.NewDesc("hearth_portal_streams", "Pages that wait for the answer to a request.", nil, nil)
	descNoRoom  = prometheus.NewDesc("hearth_portal_streams_refused_total", "Pages for which there was no room to wait.", nil, nil)
	descDecided = prometheus.NewDesc("hearth_portal_decisions", "Ids of decisions whose reasons are remembered for support.", nil, nil)
	descLimit   = prometheus.NewDesc("hearth_portal_limit", "Limits in force: counts.", []string{"limit"}, nil)
)

// Describe implements prometheus.Collector.
func (p *Portal) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descStreams, descNoRoom, descDecided, descLimit} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (p *Portal) Collect(ch chan<- prometheus.Metric) {
	p.streams.mu.Lock()
	all, refused := p.streams.all, p.streams.refused
	p.streams.mu.Unlock()
	ch <- prometheus.MustNewConstMetric(descStreams, prometheus.GaugeValue, float64(all))
	ch <- prometheus.MustNewConstMetric(descNoRoom, prometheus.CounterValue, float64(refused))
	ch <- prometheus.MustNewConstMetric(descDecided, prometheus.GaugeValue, float64(p.decided.held()))
	for limit, n := range map[string]float64{"streams": maxStreams, "streams_device": ownStreams, "connections": MaxConnections, "passed_household": ownSpent, "passed": maxSpent, "decisions_household": decidedIDs, "decisions_households": decidedHouseholds} {
		ch <- prometheus.MustNewConstMetric(descLimit, prometheus.GaugeValue, n, limit)
	}
}

// Where a browser finds what it needs to keep ask.<name> on its first screen.
const (
	manifestPath = "/app.webmanifest"
	iconPath     = "/icon.svg"
	picturePath  = "/icon-180.png" // for phones that take no SVG on their first screen
)

// installed answers for the files of an installed page, and says whether one was asked for. Browsers install pages of
// plain HTTP as a bookmark with an icon and nothing more.
func (p *Portal) installed(w http.ResponseWriter, r *http.Request, host asked) bool {
	if !slices.Equal(host.name, p.ask) {
		return false
	}
	switch r.URL.Path {
	case iconPath:
		send(w, "image/svg+xml", drawing)
	case picturePath:
		send(w, "image/png", p.render.picture())
	case manifestPath:
		v := p.visit(r, host)
		file, err := json.Marshal(map[string]any{
			"name": v.words.Label.Product, "short_name": "Hearth", "lang": v.words.Language, "dir": v.words.Direction,
			"start_url": "/", "scope": "/", "display": "minimal-ui", "background_color": "#faf6ef", "theme_color": "#1d6b58", //nolint:misspell // so the manifest calls them
			"icons": []map[string]string{{"src": iconPath, "type": "image/svg+xml", "sizes": "any"}, {"src": picturePath, "type": "image/png", "sizes": "180x180"}},
		})
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		send(w, "application/manifest+json", file)
	default:
		return false
	}
	return true
}
