package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// difference is a field of a path that is published otherwise than computed.
type difference struct{ field, published, computed string }

// explained is the whole list of differences from the published cases, so that nothing else hides behind them. The tracer's own comparison
// has the same list (conformance.test.ts).
var explained = []struct {
	difference
	reason string
	cases  []string
}{
	{
		difference{"stage", "upstream", "server"},
		"a handshake that fails over a name counted as upstream where the reason mentions `cluster`, as in `spiffe://cluster.local`",
		[]string{"c2.4-server-san-restricts", "c4.6-san-of-external-host", "gen-3-0013", "gen-3-0326"},
	},
	{
		difference{"server.mode", "", optionalMutual},
		"there was no word for it; the filter chain does have TLS",
		[]string{"c2.3-optional-mutual", "gen-3-0214", "gen-3-0251"},
	},
	{
		difference{"server.mode", "", simple},
		"the Secret of a Gateway API listener was absent, so that Istio left the listener out; here all are present",
		[]string{"gen-3-0105", "gen-3-0184"},
	},
	{
		difference{"server.port", "", "5432"},
		"the Secret was absent, and no other server took the port",
		[]string{"gen-3-0105"},
	},
}

// verify computes the published cases of folders again, and reports each difference. True: all are explained, and all that are explained
// were found.
func verify(folders []string, out io.Writer) (bool, error) {
	known, unexplained, count := map[string]int{}, 0, 0
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil {
			return false, err
		}
		for _, file := range files {
			result, err := verifyCase(file)
			if err != nil {
				return false, fmt.Errorf("%s: %w", file, err)
			}
			count++
			for _, reason := range result.known {
				known[reason]++
			}
			for _, line := range result.unexplained {
				unexplained++
				fmt.Fprintln(out, result.name+": "+line)
			}
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(known)) {
		fmt.Fprintf(out, "%d explained differences: %s\n", known[reason], reason)
	}
	fmt.Fprintf(out, "%d cases, %d unexplained differences\n", count, unexplained)
	return unexplained == 0 && count > 0, nil
}

// verification is what one case yielded: reasons of known differences, and a line for each other one.
type verification struct {
	name               string
	known, unexplained []string
}

func verifyCase(file string) (*verification, error) {
	published := Answer{}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &published); err != nil {
		return nil, err
	}
	manifests, err := os.ReadFile(strings.TrimSuffix(file, ".json") + ".yaml")
	if err != nil {
		return nil, err
	}
	request := Request{Name: published.Name, Manifests: string(manifests)}
	for _, path := range published.Paths {
		request.Targets = append(request.Targets, Target{From: path.From, Labels: path.Labels, To: path.To})
	}
	result := &verification{name: published.Name}
	computed, err := answerCase(request)
	if err != nil {
		result.unexplained = append(result.unexplained, err.Error())
		return result, nil
	}
	result.compare(&published, computed)
	return result, nil
}

func (v *verification) compare(published, computed *Answer) {
	// What Istio refused is not in the published manifests any more.
	for _, refused := range computed.RejectedByIstio {
		v.unexplained = append(v.unexplained, "refused by Istio: "+refused)
	}
	if a, b := strings.Join(published.RejectedByEnvoy, "; "), strings.Join(computed.RejectedByEnvoy, "; "); a != b {
		v.unexplained = append(v.unexplained, fmt.Sprintf("rejectedByEnvoy: published %q, computed %q", a, b))
	}
	found := map[difference]bool{}
	for i, path := range published.Paths {
		for _, it := range differences(fieldsOf(path), fieldsOf(computed.Paths[i])) {
			found[it] = true
			if reason, isKnown := v.explanation(it); isKnown {
				v.known = append(v.known, reason)
				continue
			}
			v.unexplained = append(v.unexplained, fmt.Sprintf("%s/%s → %s://%s:%d: %s: published %q, computed %q (%s)", path.From.Namespace,
				path.From.ServiceAccount, path.To.Protocol, path.To.Host, path.To.Port, it.field, it.published, it.computed, computed.Paths[i].Why))
		}
	}
	for _, it := range explained {
		if slices.Contains(it.cases, v.name) && !found[it.difference] {
			v.unexplained = append(v.unexplained, "gone, though explained: "+it.field+": "+it.reason)
		}
	}
}

func (v *verification) explanation(found difference) (string, bool) {
	for _, it := range explained {
		if it.difference == found && slices.Contains(it.cases, v.name) {
			return it.field + ": " + it.reason, true
		}
	}
	return "", false
}

func differences(published, computed map[string]string) []difference {
	fields := maps.Clone(published)
	maps.Copy(fields, computed)
	var result []difference
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if published[field] != computed[field] {
			result = append(result, difference{field, published[field], computed[field]})
		}
	}
	return result
}

// fieldsOf flattens what is compared of a path: all but `why`, which is for people.
func fieldsOf(path *Path) map[string]string {
	text, err := json.Marshal(path)
	if err != nil {
		panic(err)
	}
	content := map[string]any{}
	if err := json.Unmarshal(text, &content); err != nil {
		panic(err)
	}
	delete(content, "why")
	result := map[string]string{}
	flatten(result, "", content)
	return result
}

func flatten(into map[string]string, prefix string, content map[string]any) {
	for key, value := range content {
		if inner, isObject := value.(map[string]any); isObject {
			flatten(into, prefix+key+".", inner)
			continue
		}
		into[prefix+key] = fmt.Sprint(value)
	}
}
