package main

import "slices"

// Request is one line of input: manifests, and the paths whose verdict is asked for.
type Request struct {
	Name      string   `json:"name"`
	Manifests string   `json:"manifests"`
	Targets   []Target `json:"targets"`
}

// Target is one path that is asked for: who calls, and which host.
type Target struct {
	From   Client            `json:"from"`
	Labels map[string]string `json:"labels"`
	To     Host              `json:"to"`
}

// Client names the workload that calls; with the labels of its pod it is one pod of the manifests.
type Client struct {
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
}

// Host is what the application asks for. Protocol is what it speaks: http, tls (its own, SNI = host) or tcp.
type Host struct {
	Protocol string `json:"protocol"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
}

// Answer is one line of output. Error is set instead of all else when the case could not be judged.
type Answer struct {
	Name            string   `json:"name"`
	RejectedByIstio []string `json:"rejectedByIstio"`
	RejectedByEnvoy []string `json:"rejectedByEnvoy"`
	Paths           []*Path  `json:"paths"`
}

// Failure is the line of output of a case that could not be judged.
type Failure struct {
	Name  string `json:"name"`
	Error string `json:"error"`
}

// Path is the verdict on one target, in the words of the oracle's cases (README.md).
type Path struct {
	From          Client            `json:"from"`
	Labels        map[string]string `json:"labels"`
	To            Host              `json:"to"`
	Outcome       string            `json:"outcome"`
	Stage         string            `json:"stage"`
	Why           string            `json:"why,omitempty"`
	Hop           *Hop              `json:"hop,omitempty"`
	Server        *Server           `json:"server,omitempty"`
	Authorization *Authorization    `json:"authorization,omitempty"`
	Upstream      *Upstream         `json:"upstream,omitempty"`
	Notes         []string          `json:"notes,omitempty"`

	isMirror bool // it is the way of a copy, whose answer nobody waits for
}

func (p *Path) has(note string) bool {
	return slices.Contains(p.Notes, note)
}

// Hop is the leg from the client's sidecar to the gateway. PodPort, TLS and SNI are absent when the cluster does not exist.
type Hop struct {
	Service string  `json:"service"`
	Port    int     `json:"port"`
	Subset  string  `json:"subset"`
	PodPort int     `json:"podPort,omitempty"`
	TLS     *string `json:"tls,omitempty"`
	SNI     *string `json:"sni,omitempty"`
}

// Server is the filter chain of the gateway that took the connection.
type Server struct {
	Port int    `json:"port"`
	Mode string `json:"mode"`
}

// Authorization is the verdict of the gateway's RBAC filters.
type Authorization struct {
	Decision string   `json:"decision"`
	Policies []string `json:"policies"`
}

// Upstream is the destination that was chosen, and how it is dialled.
type Upstream struct {
	Host string `json:"host"`
	Port int    `json:"port"`
	TLS  string `json:"tls"`
	SNI  string `json:"sni"`
}

// Outcomes and stages: the vocabulary of the tracer's paths.
const (
	allowed   = "allowed"
	denied    = "denied"
	direct    = "direct"
	blocked   = "blocked"
	broken    = "broken"
	misrouted = "misrouted"

	atCapture       = "capture"
	atHop           = "hop"
	atServer        = "server"
	atAuthorization = "authorization"
	atRoute         = "route"
	atUpstream      = "upstream"
)

// badness orders outcomes, worst first.
var badness = []string{direct, misrouted, broken, allowed, denied, blocked}

// worst is the path that counts when several destinations are possible (weights, mirrors, several gateway pods).
func worst(paths []*Path) *Path {
	return slices.MinFunc(paths, func(a, b *Path) int { return a.rank() - b.rank() })
}

// rank is the place in badness. A mirror that fails comes last: nobody waits for its answer.
func (p *Path) rank() int {
	if p.isMirror && p.Outcome == broken {
		return len(badness)
	}
	return slices.Index(badness, p.Outcome)
}
