package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

const canonical = "../written/s16-1-canonical-http.yaml"

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// ask sends lines through the protocol, and returns the lines of the answer.
func ask(t *testing.T, requests ...Request) []string {
	t.Helper()
	var in, out strings.Builder
	for _, request := range requests {
		if err := json.NewEncoder(&in).Encode(request); err != nil {
			t.Fatal(err)
		}
	}
	if err := serve(strings.NewReader(in.String()), &out); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func target(namespace, account, app string) Target {
	return Target{
		From: Client{Namespace: namespace, ServiceAccount: account}, Labels: map[string]string{"app": app},
		To: Host{Protocol: "http", Host: "api.example.com", Port: 80},
	}
}

func TestMain(m *testing.M) {
	silenceIstiod()
	readEveryRoute()
	os.Exit(m.Run())
}

func TestOneLineACase(t *testing.T) {
	manifests := read(t, canonical)
	lines := ask(t,
		Request{Name: "first", Manifests: manifests, Targets: []Target{target("team-a", "default", "a"), target("team-b", "x", "b")}},
		Request{Name: "nobody", Manifests: manifests, Targets: []Target{target("team-c", "default", "a")}},
		Request{Name: "no yaml", Manifests: "a: [", Targets: nil},
		Request{Name: "last", Manifests: manifests, Targets: []Target{target("team-a", "default", "a")}},
	)
	if len(lines) != 4 {
		t.Fatalf("%d lines", len(lines))
	}
	answer := Answer{}
	if err := json.Unmarshal([]byte(lines[0]), &answer); err != nil {
		t.Fatal(err)
	}
	if got := []string{answer.Paths[0].Outcome, answer.Paths[1].Outcome}; !slices.Equal(got, []string{allowed, denied}) {
		t.Errorf("outcomes %v", got)
	}
	for i, want := range map[int]string{1: `"error":"no Pod of team-c/default has the labels map[app:a]"`, 2: `"name":"no yaml","error":`, 3: `"name":"last","rejectedByIstio":[]`} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d is %s", i, lines[i])
		}
	}
}

// What Istio refuses is left out of the cluster and named.
func TestRefusedByIstio(t *testing.T) {
	tests := map[string]struct{ from, to, refused string }{
		"by the schema of the CRD": {"  gateways:\n  - mesh", "  export_to: []\n  gateways:\n  - mesh", "VirtualService istio-egress/api"},
		"by a rule of the CRD":     {"number: 80\n    name: http\n", "number: 99999\n    name: http\n", "ServiceEntry istio-egress/api"},
		"by istiod's webhook":      {"mode: ISTIO_MUTUAL\n---", "mode: ISTIO_MUTUAL\n      credentialName: c\n---", "Gateway istio-egress/egress"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			manifests := read(t, canonical)
			broken := strings.Replace(manifests, test.from, test.to, 1)
			if broken == manifests {
				t.Fatal("nothing was replaced")
			}
			found, err := readManifests(broken)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(found.rejected, []string{test.refused}) {
				t.Errorf("refused %v", found.rejected)
			}
		})
	}
}

// istiod panics on some configurations: that ends the case, not the program.
func TestPanicEndsTheCase(t *testing.T) {
	manifests := strings.Replace(read(t, canonical), "- ./api.example.com", "- '*/*'\n    - ./api.example.com", 1)
	lines := ask(t, Request{Name: "panics", Manifests: manifests, Targets: []Target{target("team-a", "default", "a")}})
	if !strings.Contains(lines[0], `"name":"panics","error":"panic: `) {
		t.Errorf("answered %s", lines[0])
	}
}
