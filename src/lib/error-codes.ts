/**
 * The errors that people and programs can react to. Codes are stable; texts may change. docs/errors.md is generated from this file.
 * Each line has the form: what is wrong → what to do.
 */
export const errorCodes = {
  "Programs and files": {
    internal: "A bug in the program; the stack trace is on stderr. → Report it with the stack trace.",
    usage: "The command line is not valid. → See the command's --help.",
    "disk-full": "A disk is full. → Free some space; `npm run clean` empties the project's caches.",
    "file-missing": "File not found. → Correct its name, or create it.",
    "file-unreadable": "A file cannot be read. → Check its permissions and its content.",
    "loopback-unavailable":
      "The program cannot listen on this machine's loopback interface. → Check the network settings.",
    "several-faults": "Several regions failed in different ways. → See each of the problems.",
  },
  Configuration: {
    "configuration-invalid": "The files have errors of different kinds. → See each of the problems.",
    "yaml-invalid":
      "A file is not valid YAML, or its aliases are undefined, circular, or expand to too many values. → Correct the file.",
    "unknown-key": "A file has an unknown key, or a stack has an unknown setting. → Correct its name.",
    "value-missing": "A value is missing. → Add it.",
    "value-invalid": "A value has the wrong type, or is not one of the allowed values. → Correct it.",
    "unknown-dimension":
      "A rule or an entry names an unknown dimension. → Correct it, or list it in dimensions.yaml.",
    "unknown-dimension-value":
      "A rule or an entry names an unknown value of a dimension. → Correct it, or add the value's layer.",
    "unknown-version":
      "An Alpine version is missing from the ledger or from configs/. → Correct it, or add it there.",
    "unknown-region":
      "A region is missing from configs/regions.yaml. → Correct it, or run `npm run regions -- update`.",
    "unknown-cloud":
      "A cloud has no public list of its regions. → Correct its name, or give a file with --from.",
    "unknown-field": "An image does not have this field. → Correct its name.",
    "overlay-missing": "An overlay's folder was not found. → Correct the stack's overlays.",
    "dimension-name-taken":
      "A dimension is listed twice, or has the name of another file in configs/. → Rename it.",
    "file-unused": "A file or folder in configs/ is not used. → Correct its name, or move it away.",
    "layers-contradict": "Two layers give a field values that cannot be merged. → Reset the field first.",
    "field-unset": "A required field is not set by any layer. → Set it in a layer.",
    "dimension-unsupported":
      "The builder does not support an architecture or a firmware. → Use a supported one.",
    "placeholder-invalid": "A text has an unmatched brace, or an unknown word in {braces}. → Correct it.",
    "unknown-repository-tag":
      "A package names a tag that no repository has. → Correct it, or give a repository that tag.",
    "grantee-invalid":
      "`access` names something that cannot be granted access. → Name PUBLIC, an account, or an organization's ARN.",
    "image-name-clash": "Two images would be stored under the same name. → Give them different names.",
    "unknown-image": "No image has this key. → `npm run images` lists them.",
    "selection-empty": "--only and --skip leave no image. → Correct the patterns.",
    "image-format-invalid": "An image's format and its format options do not match. → Correct one of them.",
    "generated-file-stale": "A generated file is out of date. → Generate it again, and commit it.",
  },
  Ledger: {
    "unknown-entry": "The ledger does not have this entry. → `npm run releases -- list` lists the entries.",
    "entry-release-invalid": "An entry's release does not belong to its version. → Correct it.",
    "entry-revision-invalid":
      "An entry's revision is already used, or lower than the last one. → Use the next revision.",
    "entry-incomplete": "An entry's images do not name all dimensions. → Add the missing dimension.",
    "entry-image-repeated": "An entry names an image twice. → Remove one of them.",
    "entry-image-excluded":
      "An entry names an image that a layer excludes. → Remove the image or the exclusion.",
    "entry-selection-empty": "A selection in an entry matches none of its images. → Correct it.",
    "entry-stage-conflict":
      "`promote` would lower a stage, or `withdraw` would raise it. → Use the other command.",
    "entry-protected": "Images are still protected. → Run the step before this one, then `up`.",
    "entry-unmarked": "None of the entry's images is marked for removal. → Run `remove`, then `up`.",
    "retirement-date-refused": "Clouds refuse this deprecation date. → Choose a date that they allow.",
    "release-not-served":
      "A mirror serves a different release of a version. → Declare that release, or use another mirror.",
    "upstream-unreachable":
      "A public list or index cannot be downloaded. → Check the network, or give a file.",
    "upstream-invalid": "A public list or index has unexpected content. → Check what its server returns.",
  },
  Stacks: {
    "stack-not-selected": "No stack was given, and none is selected. → Name one with --stack.",
    "stack-file-missing":
      "A stack's file, Pulumi.NAME.yaml, was not found. → Correct the name, or create the stack.",
    "stack-file-edited":
      "Files of a fleet's stacks were edited by hand. → Move the edits you want to keep to the template, then use --force.",
    "stack-export-invalid": "A file is not a stack export. → `pulumi stack export` makes one.",
    "stack-locked":
      "Another run holds the stack's lock, or has started meanwhile. → Wait for it, or make sure that it is gone.",
    "stack-changed": "The stack's state changed during the command. → Run the command again.",
    "stack-resources-missing":
      "A preview or an export lacks images that are in the ledger. → Make a new one.",
    "fleet-empty": "A fleet has no stacks. → `npm run fleet -- make` makes them.",
    "template-has-secret":
      "A fleet's template has a secret, but a secret works in one stack only. → Set it in each stack.",
    "pulumi-failed": "A Pulumi command failed. → See its output.",
    "step-unknown": "scripts/step.ts was called without a step. → Use `pulumi up`, which calls it.",
    "step-input-missing": "A step lacks the result of the previous step. → Run `pulumi up` without --target.",
  },
  "Tools and bootstrap": {
    "tools-not-set-up": "The project's tools are not set up. → Run `node scripts/bootstrap.mjs`.",
    "tool-missing": "A program or a firmware is not installed. → Install it; `npm run bootstrap` shows how.",
    "tool-outdated":
      "Node or another program is too old. → Install a newer version, and put it first on PATH.",
    "tool-failed": "A tool failed, or is not the expected program. → See its output.",
    "platform-unsupported": "A tool has no release for this machine. → Install the tool yourself.",
    "download-unreachable":
      "A server cannot be reached, or returns an error. → Check the network, then try again.",
    "download-interrupted": "A download was interrupted. → Try again.",
    "download-damaged":
      "A download does not match the checksum of its release. → Try again; do not use the file.",
  },
  "Mirrors and packages": {
    "mirror-unreachable":
      "A mirror cannot be reached, or lacks a file. → Check the stack's mirror.url and the network.",
    "mirror-incomplete": "A mirror lacks packages that every build needs. → Use a complete mirror.",
    "mirror-format-unknown":
      "A mirror serves damaged data, or is not an apk v2 repository. → Check the mirror's URL.",
    "mirror-key-invalid": "A mirror's key file is not a PEM public key. → Correct the stack's mirror.keys.",
    "offline-kit-incomplete": "The offline kit lacks a version or an architecture. → `npm run kit` makes it.",
    "index-unsigned": "A mirror's index is not signed. → Use a mirror with signed indexes.",
    "signing-key-unknown":
      "An index is signed with an unknown key. → If you trust the key, add it to the stack's mirror.keys.",
    "signature-invalid":
      "An index does not match its signature. → The mirror is damaged or hostile: use another one.",
    "checksum-wrong": "A package does not match its checksum. → Try again, or use another mirror.",
    "package-missing":
      "No repository has a package that a layer requests. → Correct its name, or add the repository.",
  },
  Builds: {
    "guest-timeout": "A build guest timed out. → See its console; raise build.timeoutMinutes.",
    "guest-request-unmet":
      "The image lacks disk space, or a service, module or feature that a layer requests. → Correct that layer.",
    "guest-script-failed": "A script failed in the build guest. → See its console.",
    "guest-panic": "The build guest's kernel panicked. → See its console.",
    "guest-no-report": "A build guest ended without a readable report. → See its console.",
    "disk-check-failed":
      "A finished disk does not match its variant, or cannot be read. → Check the layers' scripts and packages.",
    "image-damaged":
      "A converted image does not match its disk. → Build it again, or use another version of QEMU.",
    "image-not-reproducible":
      "A second build of an image gave a different result. → Check the guest's scripts.",
    "image-file-name-invalid": "A file's name does not end like an image's. → Give the file of an image.",
    "image-not-built": "The image to boot was not found. → Build it with `npm run build`.",
    "image-lost":
      "A built image is neither on this machine nor in storage. → Copy it here, or build it again.",
    "image-changed": "An image's file changed while it was being read. → Build it again.",
    "boot-failed": "A boot test failed. → See the console and the failed checks.",
    "boot-machine-unknown": "The boot test has no machine for a cloud. → Add one to src/boot-test/machines.",
    "ssh-key-invalid": "A file has no usable SSH key. → Give a key that ssh-keygen made.",
    "benchmark-failed": "Builds of a benchmark failed or differ. → See each of them.",
  },
  "Remote builders": {
    "unknown-builder": "The stack does not have this builder. → Add it to the stack's builders.",
    "builder-unreachable": "A builder cannot be reached. → Check its host, its port and its SSH server.",
    "builder-host-key-wrong":
      "A builder's host key differs from the one that its stack pins. → Make sure that it is the right machine.",
    "builder-login-refused":
      "A builder refuses the login. → Check its user, the key and its authorized_keys.",
    "builder-forwarding-refused": "A builder does not forward ports. → Enable AllowTcpForwarding there.",
    "builder-lost": "The connection to a builder was lost. → Run it again: finished builds are fetched.",
    "builder-node-unusable": "Node on a builder is missing or too old. → Install a newer version there.",
    "builder-setup-failed": "A builder could not be set up. → See its output.",
    "builder-build-failed": "A builder ended without an image. → See its output.",
    "builder-result-wrong": "The result from a builder is damaged, or is another image. → Run it again.",
    "builder-inputs-differ": "A builder computes other inputs than requested. → Report it as a bug.",
    "builder-key-outside-project":
      "A remote build needs a key from outside the project. → Move the key into the project.",
    "ssh-agent-missing": "No SSH agent is running. → Start one, or set a key.",
  },
  "Storage and signatures": {
    "storage-unsupported": "The storage URL has an unknown scheme. → Use a file:// URL.",
    "storage-unwritable": "The storage folder is not writable. → Check the stack's storageUrl.",
    "signing-failed": "The signing command failed, timed out, or left no signature. → See its output.",
  },
  AWS: {
    "aws-credentials-expired": "AWS credentials have expired. → Renew them, and run the command again.",
    "aws-credentials-invalid": "AWS credentials are missing or invalid. → Provide valid ones.",
    "aws-clock-wrong": "This machine's clock differs too much from AWS's. → Set the clock.",
    "aws-denied": "AWS denied a call. → Allow it in the policy of the credentials.",
    "aws-bucket-missing":
      "A bucket was not found, or none is set. → Create it, or correct the stack's aws.bucket.",
    "aws-region-wrong": "A bucket is in another region. → Correct the stack's aws.region or aws.bucket.",
    "aws-data-damaged": "Data was damaged on its way to AWS. → Run it again.",
    "aws-throttled": "AWS throttles the calls. → Run it again later, or with less parallelism.",
    "aws-quota-reached": "The account has reached a quota. → Raise it, or remove what is no longer needed.",
    "aws-in-use": "An image still uses a snapshot. → Deregister that image first.",
    "aws-unreachable": "AWS cannot be reached, or fails. → Run it again: it continues where it stopped.",
    "aws-account-wrong":
      "The credentials belong to another account than the stack. → Use credentials of the stack's account.",
    "aws-not-the-emulator":
      "A stack that uses an AWS emulator would call the real AWS. → Set AWS_ENDPOINT_URL.",
    "aws-object-foreign":
      "An object in the bucket does not have the content that its name promises. → Find out who put it there.",
    "aws-snapshot-unfinished":
      "A snapshot was not completed in time, or was removed. → Run it again; find out what removes snapshots.",
    "aws-still-pending": "AWS has not finished yet. → Run it again later.",
    "aws-channel-differs":
      "An SSM parameter names another image. → Check that image, and run `pulumi up` again.",
  },
} as const;

type Codes = typeof errorCodes;

/** The code of an error. */
export type ErrorCode = { [Subject in keyof Codes]: keyof Codes[Subject] }[keyof Codes];
