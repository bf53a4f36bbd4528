"""The URDF reader: PyBullet's numbering of links, and errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from envs.bullet import connect
from envs.urdf import load_urdf


@pytest.mark.parametrize("path", ["franka_panda/panda.urdf", "xarm/xarm6_robot.urdf", "r2d2.urdf"])
def test_links_are_numbered_as_in_pybullet(path: str) -> None:
    model = load_urdf(path)
    client = connect()
    body = client.loadURDF(str(model.path))
    infos = [client.getJointInfo(body, i) for i in range(client.getNumJoints(body))]
    client.close()
    assert [info[12].decode() for info in infos] == [link.name for link in model.links[1:]]
    assert [info[16] for info in infos] == [link.parent for link in model.links[1:]]


def test_errors_name_the_file_or_the_nearest_link(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.urdf"):
        load_urdf("none.urdf")
    broken = tmp_path / "broken.urdf"
    broken.write_text("<robot><link name='a'>")
    with pytest.raises(ValueError, match="XML"):
        load_urdf(broken)
    broken = tmp_path / "two.urdf"
    broken.write_text("<robot name='r'><link name='a'/><link name='b'/></robot>")
    with pytest.raises(ValueError, match="one root"):
        load_urdf(broken)
    with pytest.raises(ValueError, match="panda_hand"):
        load_urdf("franka_panda/panda.urdf").link("panda_hnd")
