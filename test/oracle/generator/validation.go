package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	istiocharts "istio.io/istio/manifests"
	"istio.io/istio/pkg/config/crd"
	"istio.io/istio/pkg/config/schema/resource"
	"istio.io/istio/pkg/test/env"
)

// refusal is why an object does not get into the cluster: the API server checks the schema and the CEL rules of its CRD, istiod's
// webhook the rest. Nil: it is accepted.
func refusal(object *unstructured.Unstructured, known resource.Schema) error {
	if err := schemas().ValidateCustomResource(object.DeepCopy()); err != nil {
		return err
	}
	if strings.HasSuffix(known.Group(), "gateway.networking.k8s.io") {
		return nil // istiod does not validate these
	}
	converted, err := convert(object, known)
	if err != nil {
		return err
	}
	_, err = known.ValidateConfig(*converted)
	return err
}

// schemas are the CRDs of Istio (as its chart installs them) and of the Gateway API (as Istio's own tests install them).
var schemas = sync.OnceValue(func() *crd.Validator {
	istio, err := fs.ReadFile(istiocharts.FS, "charts/base/files/crd-all.gen.yaml")
	if err != nil {
		panic(err)
	}
	// Not embedded in the module: it is read from the module cache that this program was built from.
	gatewayAPI, err := os.ReadFile(filepath.Join(env.IstioSrc, "tests/integration/pilot/testdata/gateway-api-crd.yaml"))
	if err != nil {
		panic(err)
	}
	validator, err := crd.NewValidatorFromCRDsWithOptions(append(parseCRDs(istio), parseCRDs(gatewayAPI)...), crd.WithoutCRDValidation())
	if err != nil {
		panic(err)
	}
	validator.SkipMissing = true
	return validator
})

// used are the kinds that manifests may contain. Compiling the CEL rules of all others would only cost time.
var used = []string{
	"AuthorizationPolicy", "BackendTLSPolicy", "DestinationRule", "GRPCRoute", "Gateway", "GatewayClass", "HTTPRoute", "ListenerSet",
	"PeerAuthentication", "ProxyConfig", "ReferenceGrant", "RequestAuthentication", "ServiceEntry", "Sidecar", "TCPRoute", "TLSRoute",
	"Telemetry", "VirtualService", "WorkloadEntry",
}

func parseCRDs(text []byte) []apiextensions.CustomResourceDefinition {
	var result []apiextensions.CustomResourceDefinition
	for _, document := range strings.Split(string(text), "\n---\n") {
		parsed := apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal([]byte(document), &parsed); err != nil {
			panic(fmt.Errorf("CRD: %w", err))
		}
		if parsed.Kind != "CustomResourceDefinition" || !slices.Contains(used, parsed.Spec.Names.Kind) {
			continue
		}
		converted := apiextensions.CustomResourceDefinition{}
		if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&parsed, &converted, nil); err != nil {
			panic(err)
		}
		result = append(result, converted)
	}
	return result
}
