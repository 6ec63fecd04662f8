/** The official clients' variable that directs all services to the server at `url`. */
export function endpointVariables(url: string): Record<string, string> {
  return { AWS_ENDPOINT_URL: url };
}
