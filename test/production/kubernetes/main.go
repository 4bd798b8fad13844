// Decodes Kubernetes manifests strictly into the types of Kubernetes' own API, and prints them as JSON, one a line.
// Usage: kubernetes FILE…
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	for _, file := range os.Args[1:] {
		if err := check(file); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", file, err)
			os.Exit(1)
		}
	}
}

func check(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, document := range bytes.Split(content, []byte("\n---\n")) {
		var head struct {
			Kind string `json:"kind"`
		}
		if err := yaml.Unmarshal(document, &head); err != nil {
			return err
		}
		object, err := objectOf(head.Kind)
		if err != nil {
			return err
		}
		// An unknown field is an error here, as it is for the API server.
		if err := yaml.UnmarshalStrict(document, object); err != nil {
			return err
		}
		line, err := json.Marshal(object)
		if err != nil {
			return err
		}
		fmt.Println(string(line))
	}
	return nil
}

func objectOf(kind string) (any, error) {
	switch kind {
	case "Deployment":
		return &apps.Deployment{}, nil
	case "Job":
		return &batch.Job{}, nil
	case "Service":
		return &core.Service{}, nil
	}
	return nil, fmt.Errorf("no kind %q is expected here", kind)
}
