"""OpenStack over HTTP: what a bake needs of Keystone, Nova, Glance, Neutron and Cinder; NHN Cloud is one of them."""
