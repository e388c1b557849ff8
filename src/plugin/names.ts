/** What Docker calls the two drivers of this plugin: the names of their sockets. */
export const DRIVER = "calico";
export const IPAM = "calico-ipam";
