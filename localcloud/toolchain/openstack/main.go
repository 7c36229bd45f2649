// Pulumi's openstack provider, assembled from the modules that the official one is made of: Terraform's provider
// behind Pulumi's bridge. It knows the types that this project declares; others are refused by their name.
package main

import (
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-provider-openstack/terraform-provider-openstack/v3/openstack"
)

const (
	name       = "openstack"
	nameLength = 255 // of names that Pulumi makes up
)

// version is linked in: the one of the SDK package.
var version string

var resources = map[string]string{
	"openstack_blockstorage_volume_v3":             "blockstorage.Volume",
	"openstack_compute_instance_v2":                "compute.Instance",
	"openstack_compute_keypair_v2":                 "compute.Keypair",
	"openstack_images_image_v2":                    "images.Image",
	"openstack_networking_floatingip_v2":           "networking.FloatingIp",
	"openstack_networking_floatingip_associate_v2": "networking.FloatingIpAssociate",
	"openstack_networking_network_v2":              "networking.Network",
	"openstack_networking_port_v2":                 "networking.Port",
	"openstack_networking_secgroup_v2":             "networking.SecGroup",
	"openstack_networking_secgroup_rule_v2":        "networking.SecGroupRule",
	"openstack_networking_subnet_v2":               "networking.Subnet",
}

var functions = map[string]string{
	"openstack_compute_flavor_v2":     "compute.getFlavor",
	"openstack_images_image_v2":       "images.getImage",
	"openstack_images_image_ids_v2":   "images.getImageIds",
	"openstack_networking_network_v2": "networking.getNetwork",
}

// token turns compute.Instance into openstack:compute/instance:Instance.
func token(short string) string {
	module, member, _ := strings.Cut(short, ".")
	return name + ":" + module + "/" + strings.ToLower(member[:1]) + member[1:] + ":" + member
}

func provider() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:           shimv2.NewProvider(openstack.Provider()),
		Name:        name,
		Version:     version,
		Resources:   map[string]*tfbridge.ResourceInfo{},
		DataSources: map[string]*tfbridge.DataSourceInfo{},
	}
	for terraform, short := range resources {
		info.Resources[terraform] = &tfbridge.ResourceInfo{Tok: tokens.Type(token(short))}
	}
	for terraform, short := range functions {
		info.DataSources[terraform] = &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember(token(short))}
	}
	info.SetAutonaming(nameLength, "-")
	return info
}

func main() {
	info := provider()
	tfbridge.Main(name, version, info, schema(info))
}
