/** The link-local address of most clouds' metadata services. */
export const metadataAddress = "169.254.169.254";
