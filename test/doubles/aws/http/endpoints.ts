/** The official client's variable by which it finds the server at `url`, for every service. */
export function endpointVariables(url: string): Record<string, string> {
  return { AWS_ENDPOINT_URL: url };
}
