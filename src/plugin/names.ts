/** What Docker calls the two drivers of this plugin: the names of their sockets. */
export const DRIVER = "calico";
export const IPAM = "calico-ipam";

/** Of `docker run --network name=NET,driver-opt=calico.service=NAME`: the service that the endpoint is to be. */
export const SERVICE_OPTION = "calico.service";
