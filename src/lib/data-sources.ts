/** Cloud → cloud-init's name for its data source. */
export const dataSources: Record<string, string> = {
  aws: "Ec2",
  azure: "Azure",
  gcp: "GCE",
  nocloud: "NoCloud",
  oci: "Oracle",
};
