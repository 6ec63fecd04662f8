/** The link-local address at which most clouds' metadata services answer. */
export const metadataAddress = "169.254.169.254";
