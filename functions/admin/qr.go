package admin

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// qrRequest describes the agent that a device installs when it is provisioned.
type qrRequest struct {
	// AdminComponent is the agent's device admin receiver, PACKAGE/CLASS.
	AdminComponent string `json:"adminComponent"`
	// PackageLocation is the https URL of the agent's APK.
	PackageLocation string `json:"packageLocation"`
	// SignatureChecksum is the SHA-256 of the APK's signing certificate in base64url.
	SignatureChecksum string `json:"signatureChecksum"`
	// LeaveAllSystemApps keeps the system's apps enabled.
	LeaveAllSystemApps bool `json:"leaveAllSystemApps"`
}

// qrPayload is the content of a provisioning QR code: the extras that Android reads
// from it (DevicePolicyManager.EXTRA_PROVISIONING_*).
type qrPayload struct {
	AdminComponent     string   `json:"android.app.extra.PROVISIONING_DEVICE_ADMIN_COMPONENT_NAME"`
	PackageLocation    string   `json:"android.app.extra.PROVISIONING_DEVICE_ADMIN_PACKAGE_DOWNLOAD_LOCATION"`
	SignatureChecksum  string   `json:"android.app.extra.PROVISIONING_DEVICE_ADMIN_SIGNATURE_CHECKSUM"`
	LeaveAllSystemApps bool     `json:"android.app.extra.PROVISIONING_LEAVE_ALL_SYSTEM_APPS_ENABLED,omitzero"`
	Bundle             qrBundle `json:"android.app.extra.PROVISIONING_ADMIN_EXTRAS_BUNDLE"`
}

// qrBundle is what Android hands to the agent. The token is the only secret in it.
type qrBundle struct {
	EnrollURL       string `json:"rollcall.enrollUrl"`
	EnrollmentToken string `json:"rollcall.enrollmentToken"`
}

var componentPattern = pattern.New(`^[A-Za-z]\w*(\.[A-Za-z]\w*)+/\.?[A-Za-z]\w*(\.[A-Za-z]\w*)*$`)

func (q *qrRequest) validate() error {
	if len(q.AdminComponent) > 400 || !componentPattern.MatchString(q.AdminComponent) {
		return fault.Field("qr.adminComponent", "give the agent's device admin receiver as PACKAGE/CLASS, such as com.example.agent/.AdminReceiver")
	}
	u, err := url.Parse(q.PackageLocation)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(q.PackageLocation) > 1000 {
		return fault.Field("qr.packageLocation", "give the https URL of the agent's APK")
	}
	// Android takes the checksum with and without padding; QR codes are kept small.
	q.SignatureChecksum = strings.TrimRight(q.SignatureChecksum, "=")
	sum, err := base64.RawURLEncoding.Strict().DecodeString(q.SignatureChecksum)
	if err != nil || len(sum) != 32 {
		return fault.Field("qr.signatureChecksum",
			"give the SHA-256 of the certificate that signed the APK in base64url, 43 characters; apksigner verify --print-certs shows it in hex")
	}
	return nil
}

func (q *qrRequest) payload(enrollURL string, key secret.Value) *qrPayload {
	return &qrPayload{
		AdminComponent: q.AdminComponent, PackageLocation: q.PackageLocation, SignatureChecksum: q.SignatureChecksum,
		LeaveAllSystemApps: q.LeaveAllSystemApps,
		Bundle:             qrBundle{EnrollURL: enrollURL, EnrollmentToken: key.Reveal()},
	}
}
