package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/compose-spec/compose-go/v2/types"
)

// configHash is the label by which compose knows a service's definition: the SHA-256 of
// its JSON without what does not concern the container (docker/compose pkg/compose/hash.go).
// It covers references to secrets, not their values, so nobody can guess at one with it.
func configHash(service types.ServiceConfig) string {
	service.Build = nil
	service.PullPolicy = ""
	service.Scale = nil
	service.DependsOn = nil
	service.Profiles = nil
	if service.Deploy != nil {
		deploy := *service.Deploy
		deploy.Replicas = nil
		service.Deploy = &deploy
	}
	encoded, err := json.Marshal(service)
	if err != nil {
		panic(fmt.Sprintf("compose service %s: %v", service.Name, err)) // plain data
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}
