"""Where responses come in: from devices that sign, with a dossier token, from anybody."""
