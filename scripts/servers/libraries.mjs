/**
 * Which Debian package has which library: what a small system may lack of what the servers load.
 *
 * By the name that the loader asks for, so a system whose own library has another version still
 * gets the one of the server's suite, beside it.
 */

const PACKAGES = {
  libaudit1: ["libaudit.so.1"],
  libcap2: ["libcap.so.2"],
  "libcap-ng0": ["libcap-ng.so.0"],
  "libcom-err2": ["libcom_err.so.2"],
  libffi8: ["libffi.so.8"],
  "libgcc-s1": ["libgcc_s.so.1"],
  libgcrypt20: ["libgcrypt.so.20"],
  libgmp10: ["libgmp.so.10"],
  libgnutls30: ["libgnutls.so.30"],
  "libgpg-error0": ["libgpg-error.so.0"],
  "libgssapi-krb5-2": ["libgssapi_krb5.so.2"],
  libhogweed6: ["libhogweed.so.6"],
  libicu72: ["libicui18n.so.72", "libicuuc.so.72", "libicudata.so.72"],
  "libidn2-0": ["libidn2.so.0"],
  libk5crypto3: ["libk5crypto.so.3"],
  libkeyutils1: ["libkeyutils.so.1"],
  "libkrb5-3": ["libkrb5.so.3"],
  libkrb5support0: ["libkrb5support.so.0"],
  "libldap-2.5-0": ["libldap-2.5.so.0", "liblber-2.5.so.0"],
  "liblz4-1": ["liblz4.so.1"],
  liblzma5: ["liblzma.so.5"],
  libnettle8: ["libnettle.so.8"],
  "libp11-kit0": ["libp11-kit.so.0"],
  libpam0g: ["libpam.so.0"],
  libpq5: ["libpq.so.5"],
  libreadline8: ["libreadline.so.8"],
  "libsasl2-2": ["libsasl2.so.2"],
  libselinux1: ["libselinux.so.1"],
  libssl3: ["libssl.so.3", "libcrypto.so.3"],
  "libstdc++6": ["libstdc++.so.6"],
  libsystemd0: ["libsystemd.so.0"],
  "libtasn1-6": ["libtasn1.so.6"],
  libunistring2: ["libunistring.so.2"],
  libxml2: ["libxml2.so.2"],
  libzstd1: ["libzstd.so.1"],
  zlib1g: ["libz.so.1"],
};

/** @type {ReadonlyMap<string, string>} */
export const LIBRARY_PACKAGES = new Map(
  Object.entries(PACKAGES).flatMap(([name, libraries]) =>
    libraries.map((library) => /** @type {const} */ ([library, name])),
  ),
);
