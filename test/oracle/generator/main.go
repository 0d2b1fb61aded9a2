// Command oracle-generator says what Istio's own code makes of manifests: which way each requested path takes. See README.md.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"

	"egress-guard/oracle-generator/quiet"
	"istio.io/istio/pkg/test"
)

func main() {
	verifying := flag.Bool("verify", false, "compute the published cases of the folders that are given again, and report differences")
	flag.Parse()
	silenceIstiod()
	readEveryRoute()
	if *verifying {
		isSame, err := verify(flag.Args(), quiet.Stdout)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		if !isSame || err != nil {
			os.Exit(1)
		}
		return
	}
	if err := serve(os.Stdin, quiet.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers one case a line until the input ends.
func serve(in io.Reader, out io.Writer) error {
	reader := bufio.NewReader(in)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		line, err := reader.ReadBytes('\n')
		if len(line) > 1 {
			if err := encoder.Encode(answerLine(line)); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func answerLine(line []byte) any {
	request := Request{}
	if err := json.Unmarshal(line, &request); err != nil {
		return Failure{Error: err.Error()}
	}
	answer, err := answerCase(request)
	if err != nil {
		return Failure{Name: request.Name, Error: err.Error()}
	}
	return answer
}

// answerCase judges one case. Whatever panics on the way (istiod does, on some configurations) is an error of that case.
func answerCase(request Request) (answer *Answer, err error) {
	failure := test.Wrap(func(t test.Failer) {
		defer func() {
			if cause := recover(); cause != nil {
				err = fmt.Errorf("panic: %v", cause)
			}
		}()
		answer, err = judgeAll(t, request)
	})
	if err == nil {
		err = failure
	}
	return answer, err
}

func judgeAll(t test.Failer, request Request) (*Answer, error) {
	found, err := readManifests(request.Manifests)
	if err != nil {
		return nil, err
	}
	w := generate(t, found)
	result := &Answer{Name: request.Name, RejectedByIstio: append([]string{}, found.rejected...), RejectedByEnvoy: w.refusals()}
	for _, target := range request.Targets {
		path, err := w.judge(target)
		if err != nil {
			return nil, err
		}
		result.Paths = append(result.Paths, path)
	}
	return result, nil
}
